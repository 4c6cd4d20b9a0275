import type { DatabaseSync } from "node:sqlite";
import { mergeHistogram, quantileOf } from "../../executions/duration-histogram.ts";
import type { ExecutionStatus, Trigger } from "../../executions/execution.ts";
import type { DurationStats, PastExecution, StatsQuery, StatsRow } from "../ops-data.ts";
import { type DurationSum, dayMs, emptySum, grains, hourMs, minuteMs } from "./execution-sums.ts";

interface SumRow {
  at: number;
  project: string;
  service: string;
  trigger: Trigger;
  status: ExecutionStatus;
  count: number;
  durations: string;
  queues: string;
}

interface Group {
  keys: Pick<StatsRow, "status" | "trigger" | "project" | "service" | "at">;
  count: number;
  durations: DurationSum;
  queues: DurationSum;
}

export function executionStats(database: DatabaseSync, query: StatsQuery): StatsRow[] {
  const statement = database.prepare(
    `select at, project, service, trigger, status, count, durations, queues from execution_sums
     where grain_ms = ? and at >= ? and at < ?`,
  );
  const groups = new Map<string, Group>();
  for (const { grainMs, from, to } of spans(query)) {
    for (const row of statement.iterate(grainMs, from, to) as Iterable<unknown> as Iterable<SumRow>) {
      if (query.project !== undefined && row.project !== query.project) continue;
      if (query.service !== undefined && row.service !== query.service) continue;
      const keys = keysOf(row, query);
      const name = JSON.stringify(keys);
      let group = groups.get(name);
      if (group === undefined) {
        group = { keys, count: 0, durations: emptySum(), queues: emptySum() };
        groups.set(name, group);
      }
      group.count += row.count;
      merge(group.durations, JSON.parse(row.durations) as DurationSum);
      merge(group.queues, JSON.parse(row.queues) as DurationSum);
    }
  }
  return [...groups.values()]
    .map(({ keys, count, durations, queues }) => ({
      ...keys,
      count,
      duration: statsOf(durations),
      queue: statsOf(queues),
    }))
    .sort((left, right) => (left.at ?? 0) - (right.at ?? 0) || right.count - left.count);
}

export function slowestExecutions(
  database: DatabaseSync,
  { from, to, project, limit }: { from: number; to: number; project?: string | undefined; limit: number },
): PastExecution[] {
  return database
    .prepare(
      `select execution_id as executionId, project, service, version, trigger, status, correlation_id as correlationId,
         attempt, created_at as createdAt, started_at as startedAt, finished_at as finishedAt
       from past_executions where execution_id in (
         select execution_id from past_executions indexed by past_by_end
         where finished_at is not null and started_at is not null and finished_at >= ? and finished_at < ?
           and (? is null or project = ?)
         order by finished_at - started_at desc limit ?)
       order by finished_at - started_at desc`,
    )
    .all(from, to, project ?? null, project ?? null, limit) as unknown as PastExecution[];
}

/** [from, to) in as few sums as can tell it: days, and at the ends hours and minutes. */
export function spans({ from, to, by }: Pick<StatsQuery, "from" | "to" | "by">) {
  const coarsest = by.includes("hour") ? hourMs : dayMs;
  const found: { grainMs: number; from: number; to: number }[] = [];
  const cover = (least: number, most: number, grainsLeft: readonly number[]): void => {
    const [grainMs, ...finer] = grainsLeft;
    if (grainMs === undefined || least >= most) return;
    const begin = Math.ceil(least / grainMs) * grainMs;
    const end = Math.floor(most / grainMs) * grainMs;
    if (begin >= end) {
      cover(least, most, finer);
      return;
    }
    found.push({ grainMs, from: begin, to: end });
    cover(least, begin, finer);
    cover(end, most, finer);
  };
  const whole = (ms: number) => Math.floor(ms / minuteMs) * minuteMs;
  cover(
    whole(from),
    whole(to + minuteMs - 1),
    grains.filter((grainMs) => grainMs <= coarsest),
  );
  return found;
}

function keysOf(row: SumRow, { by }: StatsQuery): Group["keys"] {
  const keys: Group["keys"] = {};
  if (by.includes("hour")) keys.at = Math.floor(row.at / hourMs) * hourMs;
  else if (by.includes("day")) keys.at = Math.floor(row.at / dayMs) * dayMs;
  if (by.includes("service") || by.includes("project")) keys.project = row.project;
  if (by.includes("service")) keys.service = row.service;
  if (by.includes("trigger")) keys.trigger = row.trigger;
  if (by.includes("status")) keys.status = row.status;
  return keys;
}

function merge(into: DurationSum, from: DurationSum): void {
  into.count += from.count;
  into.sumMs += from.sumMs;
  into.maxMs = Math.max(into.maxMs, from.maxMs);
  mergeHistogram(into.histogram, from.histogram);
}

function statsOf({ count, sumMs, maxMs, histogram }: DurationSum): DurationStats {
  if (count === 0) return { avgMs: undefined, maxMs: undefined, p50Ms: undefined, p95Ms: undefined };
  // Within a bucket a quantile may lie past the longest that there was.
  const quantile = (share: number) => Math.min(maxMs, quantileOf(histogram, share) ?? 0);
  return { avgMs: sumMs / count, maxMs, p50Ms: quantile(0.5), p95Ms: quantile(0.95) };
}
