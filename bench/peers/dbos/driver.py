"""DBOS is a library: what queues the jobs is what runs them."""

import os

from dbos import DBOS

import work
from drive import drive

DBOS(config={"name": "bench", "system_database_url": os.environ["DATABASE_URL"], "log_level": "ERROR"})


@DBOS.step()
def fib(n):
    return work.fib(n)


@DBOS.workflow()
def job(number):
    return work.job(number)


@DBOS.workflow()
def steps_of(steps, n):
    for _ in range(steps):
        fib(n)


DBOS.launch()
# It looks for jobs once a second unless told otherwise.
queue = DBOS.register_queue("bench", worker_concurrency=16, polling_interval_sec=0.05)


def burst(numbers):
    for handle in [queue.enqueue(job, number) for number in numbers]:
        handle.get_result()


def one(number):
    queue.enqueue(job, number)


def flow(steps, n):
    DBOS.start_workflow(steps_of, steps, n).get_result()


drive(burst, one, flow)
