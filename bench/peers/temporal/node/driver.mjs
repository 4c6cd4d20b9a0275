import { randomUUID } from "node:crypto";
import { Client, Connection } from "@temporalio/client";
import { drive } from "./drive.mjs";

const connection = await Connection.connect({ address: process.env.TEMPORAL_ADDRESS });
const { workflow } = new Client({ connection });
const atATime = 64;

async function start(number) {
  return await workflow.start("jobWorkflow", { taskQueue: "bench", workflowId: `job-${number}`, args: [number] });
}

await drive({
  async burst(numbers) {
    const left = [...numbers];
    const results = [];
    // Many at a time: each start is an answer of the server.
    const work = async () => {
      for (let number = left.shift(); number !== undefined; number = left.shift()) {
        results.push((await start(number)).result());
      }
    };
    await Promise.all(Array.from({ length: atATime }, work));
    await Promise.all(results);
  },
  one: start,
  async flow(steps, n) {
    await workflow.execute("flowWorkflow", {
      taskQueue: "bench",
      workflowId: `flow-${randomUUID()}`,
      args: [steps, n],
    });
  },
});
