import { drawFaults, type FaultRates, noFaults } from "./faults.ts";
import { SeededRandom } from "./seeded-random.ts";

/** What kind of world a seed makes. Printed with a failing seed. */
export interface WorldOptions {
  seed: number;
  /**
   * `embedded`: one process that holds everything; its death is a restart of the machine's platform.
   * `cluster`: several processes on one catalog and one bus that outlive them.
   */
  topology: "embedded" | "cluster";
  processes: number;
  faults: FaultRates;
  leaseMs: number;
  leaseMarginMs: number;
  pollMs: number;
  slots: number;
  reliefSlots: number;
  /** With much of it executors claim what they cannot begin soon, and give it back. */
  aheadMs: number;
  batchSize: number;
  partitions: number;
  limits: { hops: number; flowExecutions: number };
  /** The database's own clock jumps as well. */
  databaseClockJumps: boolean;
  /** History is pruned while events flow. */
  pruning: boolean;
  /** How often a second of virtual time the backbone goes away, for everybody and longer than the pauses after two losses. */
  busOutages: number;
  /** Operations of the workload, and the virtual time over which they are spread. */
  operations: number;
  durationMs: number;
}

export function drawOptions(seed: number, given: Partial<WorldOptions> = {}): WorldOptions {
  const random = new SeededRandom(seed);
  const topology = random.chance(0.5) ? "embedded" : "cluster";
  const leaseMs = random.pick([1500, 5000, 30_000]);
  return {
    seed,
    topology,
    processes: topology === "embedded" ? 1 : random.between(2, 3),
    faults: drawFaults(random),
    leaseMs,
    leaseMarginMs: leaseMs / 5,
    pollMs: random.pick([1000, 5000, 20_000]),
    slots: random.between(1, 4),
    batchSize: random.pick([1, 3, 10, 500]),
    partitions: random.pick([1, 2, 4]),
    limits: { hops: random.pick([2, 5, 100]), flowExecutions: random.pick([3, 8, 15]) },
    databaseClockJumps: random.chance(0.07),
    pruning: random.chance(0.2),
    operations: random.between(4, 11),
    durationMs: random.pick([2000, 20_000, 90_000]),
    busOutages: random.chance(0.3) ? 0.1 * random.fraction() : 0,
    aheadMs: random.pick([0, 20, 2000]),
    reliefSlots: random.between(0, 2),
    ...given,
  };
}

/** No faults and one process: for scenarios that set their own. */
export function calmOptions(seed: number, given: Partial<WorldOptions> = {}): WorldOptions {
  return drawOptions(seed, {
    topology: "embedded",
    processes: 1,
    faults: noFaults,
    databaseClockJumps: false,
    pruning: false,
    busOutages: 0,
    ...given,
  });
}
