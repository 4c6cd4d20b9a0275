import asyncio

from jobs import app


async def main():
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        print("ready", flush=True)
        # A notification that comes while it fetches is lost; what is missed is found by looking.
        await app.run_worker_async(concurrency=16, fetch_job_polling_interval=0.05, install_signal_handlers=False)


asyncio.run(main())
