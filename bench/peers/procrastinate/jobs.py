import os

import procrastinate

import work

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URL"]))


@app.task
async def job(number):
    return work.job(number)


@app.task
async def step(left, n):
    work.fib(n)
    if left > 1:
        await step.defer_async(left=left - 1, n=n)
