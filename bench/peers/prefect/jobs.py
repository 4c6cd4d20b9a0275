from prefect import flow, task

import work


@task
def job(number):
    return work.job(number)


@task
def fib(n):
    return work.fib(n)


@flow
def steps_of(steps, n):
    for _ in range(steps):
        fib.submit(n).result()
