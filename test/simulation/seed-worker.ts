import { parentPort, workerData } from "node:worker_threads";
import { runSeed } from "./run-seed.ts";
import type { SeedJob, SeedMessage } from "./seed-pool.ts";

const { seeds, given } = workerData as SeedJob;
const say = (message: SeedMessage) => parentPort?.postMessage(message);
for (const seed of seeds) {
  say({ kind: "begins", seed });
  say({ kind: "ended", report: await runSeed(seed, given) });
}
