from prefect import flow, task
from prefect.futures import wait
from prefect.task_runners import ThreadPoolTaskRunner

import work


@task
def job(number):
    return work.job(number)


@task
def fib(n):
    return work.fib(n)


@flow(task_runner=ThreadPoolTaskRunner(max_workers=16))
def jobs_of(numbers):
    wait(job.map(numbers))


@flow
def steps_of(steps, n):
    for _ in range(steps):
        fib.submit(n).result()
