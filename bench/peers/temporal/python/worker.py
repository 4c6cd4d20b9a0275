import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from workflows import Flow, Job, fib, job


async def main():
    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"])
    with ThreadPoolExecutor(16) as executor:
        worker = Worker(
            client,
            task_queue="bench",
            workflows=[Flow, Job],
            activities=[fib, job],
            activity_executor=executor,
            max_concurrent_activities=16,
            workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
            activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        )
        print("ready", flush=True)
        await worker.run()


asyncio.run(main())
