import { fileURLToPath } from "node:url";
import { NativeConnection, Worker } from "@temporalio/worker";
import { fib, job } from "./work.mjs";

const connection = await NativeConnection.connect({ address: process.env.TEMPORAL_ADDRESS });
const worker = await Worker.create({
  connection,
  taskQueue: "bench",
  workflowsPath: fileURLToPath(new URL("./workflows.mjs", import.meta.url)),
  workflowTaskPollerBehavior: { type: "autoscaling" },
  activityTaskPollerBehavior: { type: "autoscaling" },
  activities: { fib: async (n) => fib(n), job: async (number) => job(number) },
});
console.log("ready");
await worker.run();
