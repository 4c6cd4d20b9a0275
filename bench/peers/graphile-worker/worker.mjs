import { Logger, run } from "graphile-worker";
import { fib, job } from "./work.mjs";

await run({
  connectionString: process.env.DATABASE_URL,
  logger: new Logger(() => () => {}),
  taskList: {
    job: async ({ number }) => {
      job(number);
    },
    step: async ({ left, n }, { addJob }) => {
      fib(n);
      if (left > 1) await addJob("step", { left: left - 1, n });
    },
  },
  // As its guide on speed has it.
  preset: {
    worker: {
      concurrentJobs: 24,
      maxPoolSize: 25,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    },
  },
});
console.log("ready");
