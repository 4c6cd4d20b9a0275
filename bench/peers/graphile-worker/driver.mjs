import { setTimeout as pause } from "node:timers/promises";
import { makeWorkerUtils } from "graphile-worker";
import { drive } from "./drive.mjs";

const utils = await makeWorkerUtils({ connectionString: process.env.DATABASE_URL });

/** A completed job is deleted. */
async function allGone() {
  for (;;) {
    const { rows } = await utils.withPgClient((client) =>
      client.query("select exists (select from graphile_worker._private_jobs) as some"),
    );
    if (!rows[0].some) return;
    await pause(5);
  }
}

await drive({
  async burst(numbers) {
    await utils.addJobs(numbers.map((number) => ({ identifier: "job", payload: { number } })));
    await allGone();
  },
  async one(number) {
    await utils.addJob("job", { number });
  },
  async flow(steps, n) {
    await utils.addJob("step", { left: steps, n });
    await allGone();
  },
});
