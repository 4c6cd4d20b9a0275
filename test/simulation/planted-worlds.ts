import { drawFaults, noFaults } from "./faults.ts";
import type { WorldOptions } from "./options.ts";
import { SeededRandom } from "./seeded-random.ts";

/** Several processes with short leases. */
export const cluster: Partial<WorldOptions> = { topology: "cluster", processes: 3, leaseMs: 1500, leaseMarginMs: 300 };
export const embedded: Partial<WorldOptions> = { topology: "embedded", processes: 1 };
/** Nothing goes wrong but that the backbone is away now and then. */
export const outages: Partial<WorldOptions> = { faults: noFaults, busOutages: 0.1, durationMs: 90_000, operations: 40 };
const roughFaults = {
  ...drawFaults(new SeededRandom(1)),
  refused: 0.08,
  answerLost: 0.08,
  crashes: 0.4,
  pauses: 0.3,
  redeliveries: 0.3,
  signalLost: 0.3,
};
/** Much goes wrong, for long enough. */
export const rough: Partial<WorldOptions> = { faults: roughFaults, busOutages: 0, durationMs: 20_000, operations: 14 };
/** And processes are killed again and again. */
export const deadly: Partial<WorldOptions> = { ...rough, faults: { ...roughFaults, crashes: 1 } };

/** Nothing goes wrong but that no wake-up arrives. */
export const deaf: Partial<WorldOptions> = { ...embedded, faults: { ...noFaults, signalLost: 1 }, busOutages: 0 };

/** Processes stop and wake, and nothing else happens to them. */
export const sleepy: Partial<WorldOptions> = { ...rough, ...cluster, faults: { ...noFaults, pauses: 0.8 } };
