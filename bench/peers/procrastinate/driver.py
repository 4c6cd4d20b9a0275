import asyncio

from drive import drive
from jobs import app, job, step

opened = False


async def ready():
    global opened
    if not opened:
        await app.open_async()
        opened = True


async def burst(numbers):
    await ready()
    await job.batch_defer_async(*[{"number": number} for number in numbers])
    await all_succeeded()


async def one(number):
    await ready()
    await job.defer_async(number=number)


async def flow(steps, n):
    await ready()
    await step.defer_async(left=steps, n=n)
    await all_succeeded()


async def all_succeeded():
    query = "select exists (select from procrastinate_jobs where status in ('todo', 'doing')) as some"
    while (await app.connector.execute_query_one_async(query))["some"]:
        await asyncio.sleep(0.005)


drive(burst, one, flow)
