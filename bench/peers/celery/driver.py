from celery import chain

from drive import drive
from jobs import fib, job


def burst(numbers):
    for result in [job.delay(number) for number in numbers]:
        result.get(timeout=120)


def flow(steps, n):
    chain(*[fib.si(n) for _ in range(steps)])().get(timeout=120)


drive(burst, job.delay, flow)
