import { median, quantile } from "../support/rounds.ts";
import { withTempDir } from "../support/temp-dir.ts";
import type { Peer, Running } from "./peer.ts";
import { Stage } from "./support/stage.ts";

const warmUpJobs = 20;
const pacedJobs = 50;
const everyMs = 100;
/** A queue that works for days has its code compiled and its connections open. */
const burstsAheadMs = 3000;

/** Of one round. Seconds where no unit is named. */
export interface Round {
  jobsPerSecond: number;
  firstLineMs: readonly number[];
  lightFlow: number;
  heavyFlow: number;
}

/** Over all rounds. */
export interface Summary {
  jobsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  lightFlow: number;
  heavyFlow: number;
}

/** Starts the contender alone on the machine, warms it up, measures all, and ends it. */
export async function measureRound(peer: Peer): Promise<Round> {
  return await withTempDir(async (directory) => {
    const stage = new Stage(directory);
    try {
      const running = await peer.start(stage);
      await running.burst(1, warmUpJobs);
      await running.flow(2, 10);
      const firstLineMs = await running.paced(1 + warmUpJobs, pacedJobs, everyMs);
      const light = await running.flow(40, 10);
      const heavy = await running.flow(10, 33);
      return {
        jobsPerSecond: await burstsPerSecond(running, peer.burstJobs, 1 + warmUpJobs + pacedJobs),
        firstLineMs,
        lightFlow: light / 1000,
        heavyFlow: heavy / 1000,
      };
    } finally {
      await stage.end();
    }
  });
}

/** Of the first burst that begins once some have gone before for a while. `first`: the number of the first job. */
async function burstsPerSecond(running: Running, jobs: number, first: number): Promise<number> {
  const began = performance.now();
  for (let next = first; ; next += jobs) {
    const counts = performance.now() - began > burstsAheadMs;
    const burstMs = await running.burst(next, jobs);
    if (counts) return (jobs / burstMs) * 1000;
  }
}

export function summaryOf(rounds: readonly Round[]): Summary {
  const all = rounds.flatMap(({ firstLineMs }) => firstLineMs);
  return {
    jobsPerSecond: median(rounds.map(({ jobsPerSecond }) => jobsPerSecond)),
    p50Ms: median(all),
    p99Ms: quantile(all, 0.99),
    lightFlow: median(rounds.map(({ lightFlow }) => lightFlow)),
    heavyFlow: median(rounds.map(({ heavyFlow }) => heavyFlow)),
  };
}
