"""What every contender's jobs do."""

import time


def job(number):
    """Prints the job's one line, which tells its number and the moment, and returns it."""
    line = f"job {number} {time.time() * 1000:.3f}"
    print(line, flush=True)
    return line


def fib(n):
    return n if n <= 1 else fib(n - 1) + fib(n - 2)
