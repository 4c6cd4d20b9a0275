import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { now } from "./work.mjs";

/**
 * Lets bench/peers measure a queue from JavaScript: requests come on standard input, answers go to standard output.
 *
 * `burst(numbers)` queues these jobs and resolves when the system holds all of them as completed. `one(number)` queues one
 * job, and resolves when the system has it. `flow(steps, n)` runs one flow of so many steps that compute `fib(n)`, and
 * resolves when it is completed.
 */
export async function drive({ burst, one, flow }) {
  console.log("bench ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    const answer = await answerOf(request, { burst, one, flow }).catch((error) => ({
      error: `${error?.stack ?? error}`,
    }));
    console.log(`bench ${JSON.stringify(answer)}`);
  }
  process.exit(0);
}

async function answerOf(request, { burst, one, flow }) {
  if (request.do === "paced") return { sent: await paced(one, request) };
  const began = performance.now();
  if (request.do === "burst") await burst(numbers(request));
  else await flow(request.steps, request.n);
  return { ms: performance.now() - began };
}

async function paced(one, { first, jobs, everyMs }) {
  const sent = [];
  const began = performance.now();
  for (const number of numbers({ first, jobs })) {
    await pause(Math.max(0, began + (number - first) * everyMs - performance.now()));
    sent.push(now());
    await one(number);
  }
  return sent;
}

function numbers({ first, jobs }) {
  return Array.from({ length: jobs }, (_, index) => first + index);
}
