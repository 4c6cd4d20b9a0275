import type { DatabaseSync, StatementSync } from "node:sqlite";
import { addDuration, type DurationHistogram } from "../../executions/duration-histogram.ts";

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;
/** A span of any length is read as some days, and hours and minutes at its ends. */
export const grains = [dayMs, hourMs, minuteMs] as const;

/** What the end of an execution adds. */
export interface EndedExecution {
  project: string;
  service: string;
  trigger: string;
  status: string;
  created_at: number;
  started_at: number | null;
}

/** Durations added up. Of any two spans it can be added again. */
export interface DurationSum {
  count: number;
  sumMs: number;
  maxMs: number;
  histogram: DurationHistogram;
}

export function emptySum(): DurationSum {
  return { count: 0, sumMs: 0, maxMs: 0, histogram: {} };
}

type Key = readonly [grainMs: number, at: number, project: string, service: string, trigger: string, status: string];

interface Sum {
  key: Key;
  count: number;
  durations: DurationSum;
  queues: DurationSum;
}

/**
 * Sums of executions by the minute, the hour and the day (UTC) of their end: statistics read these only. Many end in one
 * transaction and few sums are theirs, so each is read and written once.
 */
export class ExecutionSums {
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #prune: StatementSync;
  readonly #changed = new Map<string, Sum>();

  constructor(database: DatabaseSync) {
    const key = "grain_ms = ? and at = ? and project = ? and service = ? and trigger = ? and status = ?";
    this.#get = database.prepare(`select count, durations, queues from execution_sums where ${key}`);
    this.#put = database.prepare(
      `insert or replace into execution_sums (grain_ms, at, project, service, trigger, status, count, durations, queues)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#prune = database.prepare("delete from execution_sums where grain_ms = ? and at < ?");
  }

  /** Begins a transaction: what one before it left, because it failed, is forgotten. */
  begin(): void {
    this.#changed.clear();
  }

  add({ project, service, trigger, status, created_at, started_at }: EndedExecution, finishedAt: number): void {
    for (const grainMs of grains) {
      const at = Math.floor(finishedAt / grainMs) * grainMs;
      const sum = this.#sumOf([grainMs, at, project, service, trigger, status]);
      sum.count += 1;
      if (started_at !== null) {
        addTo(sum.durations, finishedAt - started_at);
        addTo(sum.queues, started_at - created_at);
      }
    }
  }

  /** Writes what was added; before the transaction ends. */
  end(): void {
    for (const { key, count, durations, queues } of this.#changed.values()) {
      this.#put.run(...key, count, JSON.stringify(durations), JSON.stringify(queues));
    }
  }

  /** Whole spans only: a day goes when all of it is past its age. */
  prune(before: number): void {
    for (const grainMs of grains) this.#prune.run(grainMs, Math.floor(before / grainMs) * grainMs);
  }

  #sumOf(key: Key): Sum {
    const name = key.join("\n");
    let sum = this.#changed.get(name);
    if (sum === undefined) {
      const row = this.#get.get(...key) as { count: number; durations: string; queues: string } | undefined;
      sum = {
        key,
        count: row?.count ?? 0,
        durations: row ? JSON.parse(row.durations) : emptySum(),
        queues: row ? JSON.parse(row.queues) : emptySum(),
      };
      this.#changed.set(name, sum);
    }
    return sum;
  }
}

function addTo(sum: DurationSum, elapsedMs: number): void {
  // A clock that stepped back between the two times.
  const ms = Math.max(0, elapsedMs);
  sum.count += 1;
  sum.sumMs += ms;
  sum.maxMs = Math.max(sum.maxMs, ms);
  addDuration(sum.histogram, ms);
}
