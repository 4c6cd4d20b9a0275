"""Lets bench/peers measure a queue from Python: requests come on standard input, answers go to standard output."""

import asyncio
import inspect
import json
import sys
import time


def drive(burst, one, flow):
    """Answers requests until standard input ends.

    burst(numbers): queues these jobs and returns when the system holds all of them as completed.
    one(number): queues one job, and returns when the system has it.
    flow(steps, n): runs one flow of so many steps that compute fib(n), and returns when it is completed.
    Each may be a coroutine function.
    """
    asyncio.run(_serve(burst, one, flow))


async def _serve(burst, one, flow):
    print("bench ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        request = json.loads(line)
        try:
            answer = await _answer(request, burst, one, flow)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(f"bench {json.dumps(answer)}", flush=True)


async def _answer(request, burst, one, flow):
    if request["do"] == "paced":
        return {"sent": await _paced(one, request["first"], request["jobs"], request["everyMs"] / 1000)}
    begun = time.monotonic()
    if request["do"] == "burst":
        await _done(burst(range(request["first"], request["first"] + request["jobs"])))
    else:
        await _done(flow(request["steps"], request["n"]))
    return {"ms": (time.monotonic() - begun) * 1000}


async def _paced(one, first, jobs, every):
    sent = []
    begun = time.monotonic()
    for index in range(jobs):
        await asyncio.sleep(max(0, begun + index * every - time.monotonic()))
        sent.append(time.time() * 1000)
        await _done(one(first + index))
    return sent


async def _done(result):
    return await result if inspect.isawaitable(result) else result
