from drive import drive
from jobs import fib, huey, job


def burst(numbers):
    for result in [job(number) for number in numbers]:
        result.get(blocking=True, timeout=120, backoff=1, max_delay=0.005)


def flow(steps, n):
    chain = fib.s(n)
    for _ in range(steps - 1):
        chain = chain.then(fib, n)
    huey.enqueue(chain).get(blocking=True, timeout=120, backoff=1, max_delay=0.005)


drive(burst, job, flow)
