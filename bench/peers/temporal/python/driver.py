import asyncio
import os
import uuid

from temporalio.client import Client

from drive import drive
from workflows import Flow, Job

client = None


async def connected():
    global client
    client = client or await Client.connect(os.environ["TEMPORAL_ADDRESS"])
    return client


async def burst(numbers):
    # Many at a time: each start is an answer of the server.
    turns = asyncio.Semaphore(64)

    async def run(number):
        async with turns:
            handle = await start(number)
        await handle.result()

    await asyncio.gather(*[run(number) for number in numbers])


async def start(number):
    return await (await connected()).start_workflow(Job.run, number, id=f"job-{number}", task_queue="bench")


async def flow(steps, n):
    id = f"flow-{uuid.uuid4()}"
    await (await connected()).execute_workflow(Flow.run, args=[steps, n], id=id, task_queue="bench")


drive(burst, start, flow)
