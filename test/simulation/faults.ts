import type { SeededRandom } from "./seeded-random.ts";

/** How often things go wrong, per call, and the world's own disasters per virtual second. */
export interface FaultRates {
  /** A call fails, retryable, before it does anything. */
  refused: number;
  /** A call is carried out, but its caller is told that it failed: the outcome is unknown to it. */
  answerLost: number;
  /** A call takes up to `slowMs` longer. */
  slow: number;
  slowMs: number;
  /** A wake-up signal does not arrive. */
  signalLost: number;
  /** A batch is delivered with its partitions in another order. */
  reordered: number;
  /** Disasters per virtual second. */
  crashes: number;
  shutdowns: number;
  pauses: number;
  redeliveries: number;
  clockJumps: number;
}

export const noFaults: FaultRates = {
  refused: 0,
  answerLost: 0,
  slow: 0,
  slowMs: 0,
  signalLost: 0,
  reordered: 0,
  crashes: 0,
  shutdowns: 0,
  pauses: 0,
  redeliveries: 0,
  clockJumps: 0,
};

/** Each world has its own mixture: some faults often, some never, as disasters come. */
export function drawFaults(random: SeededRandom): FaultRates {
  if (random.chance(0.08)) return noFaults;
  const some = (most: number) => (random.chance(0.6) ? most * random.fraction() : 0);
  return {
    refused: some(0.15),
    answerLost: some(0.1),
    slow: some(0.3),
    slowMs: random.pick([5, 50, 500, 3000]),
    signalLost: some(0.5),
    reordered: some(0.5),
    crashes: some(0.25),
    shutdowns: some(0.1),
    pauses: some(0.15),
    redeliveries: some(0.3),
    clockJumps: some(0.1),
  };
}
