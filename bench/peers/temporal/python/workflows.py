from datetime import timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    import work

patience = timedelta(minutes=2)


@activity.defn
def job(number: int) -> str:
    return work.job(number)


@activity.defn
def fib(n: int) -> int:
    return work.fib(n)


@workflow.defn
class Job:
    @workflow.run
    async def run(self, number: int) -> str:
        return await workflow.execute_activity(job, number, start_to_close_timeout=patience)


@workflow.defn
class Flow:
    @workflow.run
    async def run(self, steps: int, n: int) -> None:
        for _ in range(steps):
            await workflow.execute_activity(fib, n, start_to_close_timeout=patience)
