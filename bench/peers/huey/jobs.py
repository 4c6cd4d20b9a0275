import os

from huey import RedisHuey

import work

# Blocking, as it is by default: an idle worker hears of a job at once.
huey = RedisHuey("jobs", url=os.environ["REDIS_URL"])


@huey.task()
def job(number):
    return work.job(number)


@huey.task()
def fib(n, _before=None):
    """What the step before has returned comes last."""
    return work.fib(n)
