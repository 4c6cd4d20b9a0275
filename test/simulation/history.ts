import { createHash, type Hash } from "node:crypto";
import { canonicalJson } from "../../src/foundation/json.ts";
import type { Log } from "../../src/foundation/log.ts";

/** Rare situations that the faults must reach somewhere in a set of seeds, or the faults prove nothing. */
export const situations = [
  "a process was killed",
  "a process was killed between a commit and its answer",
  "a process was paused past its lease",
  "a call failed before it did anything",
  "a call failed after it was committed",
  "a call met a backbone that was away",
  "a wake-up signal was lost",
  "records were delivered again",
  "partitions were reordered",
  "a wall clock jumped",
  "links changed inside routing",
  "an event was decided again as a duplicate",
  "an id came twice with different data",
  "a batch was bisected down to one poisonous event",
  "a record held no event",
  "a finish came with an old token",
  "a lease was found lost at renewal",
  "a lease expired",
  "an attempt that waited for a slot was given back",
  "a run had a place beside the slots",
  "leases of an earlier boot were expired at once",
  "a process was shut down in good order",
  "an attempt failed and was retried",
  "an execution failed after too many losses",
  "a script died with its executor",
  "a script was killed at the end of its time to live",
  "a running execution was cancelled",
  "a pending execution was skipped",
  "a person retried an execution",
  "a run request was repeated",
  "a forged run request was rejected",
  "a reserved type was rejected",
  "a hop limit was reached",
  "a flow budget was reached",
  "a lifecycle event was counted, not stored",
  "a lifecycle event of a lifecycle run was recorded, not routed",
  "a concurrency key held back a later execution",
  "a service was at its concurrency",
  "a throttle let no more start",
  "a full queue skipped a run",
  "a run was moved to another lane",
  "a filter could not be evaluated",
  "another project's link did not see an event",
  "a mapping made an event",
  "a mapping made nothing, since a field was missing",
  "a mapped event was stopped by the hop limit",
  "a mapped event was stopped by its flow's budget",
  "a forged mapped event was rejected",
  "another project's mapping did not see an event",
  "an execution event was mapped, and what it started was a lifecycle run",
  "state was put at the same time by two runs",
  "state was appended to the log at start",
  "a schedule fired",
  "times of a schedule were missed",
  "a job was started",
  "history was pruned",
  "two processes worked on one catalog",
] as const;

export type Situation = (typeof situations)[number];

/** What happened in one run: its trace, the situations it reached, and what was wrong. */
export class History {
  readonly violations: string[] = [];
  readonly reached = new Map<Situation, number>();
  readonly lines: string[] = [];
  readonly #keep: boolean;
  readonly #hash: Hash = createHash("sha256");
  operations = 0;
  succeeded = 0;

  /** `keep` holds the trace in memory for people to read. */
  constructor(keep: boolean) {
    this.#keep = keep;
  }

  trace(nowMs: number, who: string, what: string, detail?: unknown): void {
    const line = `${nowMs.toFixed(3)} ${who} ${what}${detail === undefined ? "" : ` ${canonicalJson(detail)}`}`;
    this.#hash.update(line);
    if (this.#keep) this.lines.push(line);
  }

  /** What a process logs is part of its history, too. */
  logOf(who: string, nowMs: () => number): Log {
    const write = (fields: object, message: string) => this.trace(nowMs(), who, message, fields);
    return { debug() {}, info: write, warn: write, error: write };
  }

  reach(situation: Situation): void {
    this.reached.set(situation, (this.reached.get(situation) ?? 0) + 1);
  }

  violate(rule: string, message: string): void {
    if (this.violations.length < 20) this.violations.push(`${rule}: ${message}`);
  }

  /** Equal for runs in which the same things happened in the same order. */
  digest(): string {
    return this.#hash.copy().digest("hex").slice(0, 32);
  }
}
