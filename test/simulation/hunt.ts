import type { PlantedBug } from "./planted-bug.ts";
import { runShare, type SeedJob, StuckSeedError } from "./seed-pool.ts";

export interface Catch {
  seed: number;
  /** What gave it away. */
  violation: string;
}

/** Looks for a planted bug in at most `maxSeeds` worlds. Undefined when it got through all of them. */
export function hunt(bug: PlantedBug, maxSeeds: number): Promise<Catch | undefined> {
  const seeds = Array.from({ length: maxSeeds }, (_, index) => index + 1);
  return firstCatch({ seeds, given: bug.given ?? {}, bug, untilBroken: true });
}

/** The same world without the bug: what breaks there was not the bug's doing. */
export function control(bug: PlantedBug, seed: number): Promise<Catch | undefined> {
  return firstCatch({ seeds: [seed], given: bug.given ?? {} });
}

async function firstCatch(job: SeedJob): Promise<Catch | undefined> {
  let ended = 0;
  let caught: Catch | undefined;
  try {
    await runShare(job, ({ seed, violations: [violation] }) => {
      ended += 1;
      if (violation !== undefined) caught ??= { seed, violation };
    });
  } catch (error) {
    if (!(error instanceof StuckSeedError)) throw error;
    caught ??= { seed: job.seeds[ended] as number, violation: error.message };
  }
  return caught;
}
