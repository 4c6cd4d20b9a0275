import { FlowProducer, Queue, QueueEvents } from "bullmq";
import { drive } from "./drive.mjs";

const { hostname: host, port } = new URL(process.env.REDIS_URL);
const connection = { host, port: Number(port) };
const queue = new Queue("bench", { connection });
const flows = new FlowProducer({ connection });
const events = new QueueEvents("bench", { connection });
await events.waitUntilReady();

await drive({
  async burst(numbers) {
    const left = new Set(numbers.map((number) => `job-${number}`));
    const all = new Promise((resolve, reject) => {
      const completed = ({ jobId }) =>
        left.delete(jobId) && left.size === 0 && resolve(events.off("completed", completed));
      events.on("completed", completed);
      events.once("failed", reject);
    });
    await queue.addBulk(numbers.map((number) => ({ name: "job", data: { number }, opts: { jobId: `job-${number}` } })));
    await all;
  },
  async one(number) {
    await queue.add("job", { number });
  },
  async flow(steps, n) {
    // A job runs after its children: the first step is the innermost.
    let tree;
    for (let step = 0; step < steps; step += 1) {
      tree = { name: "fib", queueName: "bench", data: { n }, ...(tree ? { children: [tree] } : {}) };
    }
    const { job } = await flows.add(tree);
    await job.waitUntilFinished(events);
  },
});
