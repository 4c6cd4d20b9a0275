import { parentPort, workerData } from "node:worker_threads";
import { runSeed } from "./run-seed.ts";
import type { SeedJob, SeedMessage } from "./seed-pool.ts";

const { seeds, given, untilBroken } = workerData as SeedJob;
const say = (message: SeedMessage) => parentPort?.postMessage(message);
for (const seed of seeds) {
  say({ kind: "begins", seed });
  const report = await runSeed(seed, given);
  say({ kind: "ended", report });
  if (untilBroken && report.violations.length > 0) break;
}
