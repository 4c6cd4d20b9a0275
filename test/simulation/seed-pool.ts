import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { WorldOptions } from "./options.ts";
import type { PlantedBug } from "./planted-bug.ts";
import type { SeedReport } from "./run-seed.ts";

export interface SeedJob {
  seeds: number[];
  given: Partial<WorldOptions>;
  /** Planted into the product's source as the thread loads it. */
  bug?: PlantedBug | undefined;
  /** Ends with the first seed that breaks a rule. */
  untilBroken?: boolean;
}

export type SeedMessage = { kind: "begins"; seed: number } | { kind: "ended"; report: SeedReport };

/** A seed that takes longer than this has met a loop without end; real time, generous for a busy machine. */
const stuckAfterMs = 120_000;
const stuckWithBugAfterMs = 60_000;

/** A seed met a loop without end: what a rule forbids as much as a wrong answer. */
export class StuckSeedError extends Error {}

/**
 * Runs seeds on all cores, in threads of their own, and tells each report to `onReport`. Rejects when
 * a seed never ends, naming it.
 */
export async function runSeeds(
  seeds: readonly number[],
  onReport: (report: SeedReport) => void,
  given: Partial<WorldOptions> = {},
): Promise<void> {
  const threads = Math.min(seeds.length, availableParallelism());
  const shares = Array.from({ length: threads }, (_, thread) => seeds.filter((_, index) => index % threads === thread));
  await Promise.all(shares.map((share) => runShare({ seeds: share, given }, onReport)));
}

/** Runs the seeds of one job in a thread, one after the other. */
export function runShare(job: SeedJob, onReport: (report: SeedReport) => void): Promise<void> {
  const planting = new URL("./plant.ts", import.meta.url).href;
  const worker = new Worker(new URL("./seed-worker.ts", import.meta.url), {
    workerData: job,
    execArgv: job.bug ? ["--import", planting] : [],
  });
  const broken = ({ violations }: SeedReport) => job.untilBroken === true && violations.length > 0;
  return new Promise<void>((resolve, reject) => {
    let current: number | undefined;
    let left = job.seeds.length;
    const stuck = () => reject(new StuckSeedError(`seed ${current} does not end: npm run sim -- --seed ${current}`));
    const stuckAfter = job.bug ? stuckWithBugAfterMs : stuckAfterMs;
    let watchdog = setTimeout(stuck, stuckAfter);
    worker.on("message", (message: SeedMessage) => {
      clearTimeout(watchdog);
      watchdog = setTimeout(stuck, stuckAfter);
      if (message.kind === "begins") {
        current = message.seed;
        return;
      }
      onReport(message.report);
      left -= 1;
      if (left === 0 || broken(message.report)) resolve();
    });
    worker.on("error", reject);
    worker.on("exit", () => {
      clearTimeout(watchdog);
      if (left > 0) reject(new Error(`a thread ended at seed ${current} with ${left} seeds left`));
    });
  }).finally(() => worker.terminate());
}
