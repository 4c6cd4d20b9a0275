"""What every contender's jobs do."""

import sys
import time


def job(number):
    """Prints the job's one line, which tells its number and the moment, and returns it."""
    line = f"job {number} {time.time() * 1000:.3f}"
    # In one piece: threads may print at the same moment.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    return line


def fib(n):
    return n if n <= 1 else fib(n - 1) + fib(n - 2)
