import { PgBoss } from "pg-boss";
import { fib, job } from "./work.mjs";

const boss = new PgBoss({ connectionString: process.env.DATABASE_URL, useListenNotify: true });
boss.on("error", console.error);
await boss.start();
await boss.createQueue("job", { notify: true });
await boss.createQueue("step", { notify: true });
await boss.work(
  "job",
  { batchSize: 100, localConcurrency: 4, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true },
  async (jobs) => jobs.map(({ data }) => job(data.number)),
);
await boss.work("step", { pollingIntervalSeconds: 0.5, burstWhenBatchFull: true }, async ([{ data }]) => {
  fib(data.n);
  if (data.left > 1) await boss.send("step", { left: data.left - 1, n: data.n });
});
console.log("ready");
