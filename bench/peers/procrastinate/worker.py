import asyncio

from jobs import app


async def main():
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        print("ready", flush=True)
        await app.run_worker_async(concurrency=16, install_signal_handlers=False)


asyncio.run(main())
