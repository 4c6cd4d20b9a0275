from dramatiq import pipeline

from drive import drive
from jobs import fib, job


def burst(numbers):
    for message in [job.send(number) for number in numbers]:
        message.get_result(block=True, timeout=120_000)


def flow(steps, n):
    messages = [fib.message_with_options(args=(n,), pipe_ignore=True) for _ in range(steps)]
    pipeline(messages).run().get_result(block=True, timeout=120_000)


drive(burst, job.send, flow)
