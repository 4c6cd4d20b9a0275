import os

from celery import Celery

import work

app = Celery("jobs", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
app.conf.update(
    task_acks_late=True,
    worker_redirect_stdouts=False,
    broker_connection_retry_on_startup=True,
)


@app.task
def job(number):
    return work.job(number)


@app.task
def fib(n):
    return work.fib(n)
