import { Worker } from "bullmq";
import { fib, job } from "./work.mjs";

const { hostname: host, port } = new URL(process.env.REDIS_URL);
const worker = new Worker("bench", async ({ name, data }) => (name === "job" ? job(data.number) : fib(data.n)), {
  connection: { host, port: Number(port) },
  concurrency: 16,
});
await worker.waitUntilReady();
console.log("ready");
