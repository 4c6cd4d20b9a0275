import os
import time

from redis import Redis
from rq import Queue
from rq.job import JobStatus

import work
from drive import drive

queue = Queue(connection=Redis.from_url(os.environ["REDIS_URL"]))


def burst(numbers):
    prepared = [Queue.prepare_data(work.job, (number,)) for number in numbers]
    for job in queue.enqueue_many(prepared):
        completed(job)


def one(number):
    queue.enqueue(work.job, number)


def flow(steps, n):
    last = None
    for _ in range(steps):
        last = queue.enqueue(work.fib, n, depends_on=last)
    completed(last)


def completed(job):
    while (status := job.get_status()) != JobStatus.FINISHED:
        if status == JobStatus.FAILED:
            raise RuntimeError(f"job {job.id} failed")
        time.sleep(0.002)


drive(burst, one, flow)
