import { proxyActivities } from "@temporalio/workflow";

const { fib, job } = proxyActivities({ startToCloseTimeout: "2 minutes" });

export async function jobWorkflow(number) {
  return await job(number);
}

export async function flowWorkflow(steps, n) {
  for (let step = 0; step < steps; step += 1) await fib(n);
}
