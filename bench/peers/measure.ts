import { median, quantile } from "../support/rounds.ts";
import { withTempDir } from "../support/temp-dir.ts";
import type { Peer } from "./peer.ts";
import { Stage } from "./support/stage.ts";

const warmUpJobs = 20;
const pacedJobs = 50;
const everyMs = 100;

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
      const burst = await running.burst(1 + warmUpJobs + pacedJobs, peer.burstJobs);
      return {
        jobsPerSecond: (peer.burstJobs / burst) * 1000,
        firstLineMs,
        lightFlow: light / 1000,
        heavyFlow: heavy / 1000,
      };
    } finally {
      await stage.end();
    }
  });
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
