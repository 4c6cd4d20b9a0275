import { quantileOf } from "../../executions/duration-histogram.ts";
import type { ExecutionStatus, Trigger } from "../../executions/execution.ts";
import type { DurationStats, StatsKey, StatsQuery, StatsRow } from "../ops-data.ts";
import type { Cluster } from "./cluster.ts";
import { timeQuery } from "./query-dsl.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** With the buckets of two histograms each, they stay below what a server answers at once (search.max_buckets, 65,536). */
const groupsAtOnce = 50;
const maxBuckets = 600;

interface Group {
  key: { status?: ExecutionStatus; trigger?: Trigger; project?: string; service?: string; at?: number };
  doc_count: number;
  duration: { count: number; avg: number | null; max: number | null };
  queue: Group["duration"];
  durations: { buckets: { key: number; doc_count: number }[] };
  queues: Group["durations"];
}

/** The engine adds up the executions themselves, by column. */
export async function executionStats(cluster: Cluster, query: StatsQuery): Promise<StatsRow[]> {
  const rows: StatsRow[] = [];
  const sources = sourcesOf(query.by);
  for (let after: object | undefined; ; ) {
    const composite = { size: groupsAtOnce, sources, ...(after && { after }) };
    const { aggregations } = await cluster.search("executions", {
      size: 0,
      query: { bool: { filter: filterOf(query) } },
      aggs: { groups: { composite, aggs: sums } },
    });
    const { buckets, after_key } = (aggregations?.groups ?? { buckets: [] }) as {
      buckets: Group[];
      after_key?: object;
    };
    rows.push(...buckets.map((group) => rowOf(group, query.by)));
    if (buckets.length < groupsAtOnce) break;
    after = after_key;
  }
  return rows.sort((left, right) => (left.at ?? 0) - (right.at ?? 0) || right.count - left.count);
}

/** Quantiles come from the same histogram as everywhere: the servers' own estimates differ between them. */
const sums = {
  duration: { stats: { field: "fx.duration_ms" } },
  queue: { stats: { field: "fx.queue_ms" } },
  durations: { terms: { field: "fx.duration_bucket", size: maxBuckets } },
  queues: { terms: { field: "fx.queue_bucket", size: maxBuckets } },
};

function filterOf({ from, to, project, service }: StatsQuery): object[] {
  const whole = (ms: number) => Math.floor(ms / minuteMs) * minuteMs;
  return [
    ...timeQuery(whole(from), whole(to + minuteMs - 1)),
    ...(project === undefined ? [] : [{ term: { "fx.project": project } }]),
    ...(service === undefined ? [] : [{ term: { "service.name": service } }]),
  ];
}

/** Something to group by there must be: without keys, what all of them have in common. */
function sourcesOf(by: readonly StatsKey[]): object[] {
  const terms = (field: string) => ({ terms: { field } });
  const every = (ms: number) => ({ date_histogram: { field: "@timestamp", fixed_interval: `${ms}ms` } });
  const sources: object[] = [];
  if (by.includes("hour")) sources.push({ at: every(hourMs) });
  else if (by.includes("day")) sources.push({ at: every(dayMs) });
  if (by.includes("service") || by.includes("project")) sources.push({ project: terms("fx.project") });
  if (by.includes("service")) sources.push({ service: terms("service.name") });
  if (by.includes("trigger")) sources.push({ trigger: terms("fx.trigger") });
  if (by.includes("status")) sources.push({ status: terms("fx.status") });
  return sources.length > 0 ? sources : [{ all: { terms: { field: "ecs.version" } } }];
}

function rowOf({ key, doc_count, duration, queue, durations, queues }: Group, by: readonly StatsKey[]): StatsRow {
  return {
    ...(by.length > 0 && key),
    count: doc_count,
    duration: statsOf(duration, durations),
    queue: statsOf(queue, queues),
  };
}

function statsOf({ count, avg, max }: Group["duration"], { buckets }: Group["durations"]): DurationStats {
  if (count === 0 || max === null) return { avgMs: undefined, maxMs: undefined, p50Ms: undefined, p95Ms: undefined };
  const histogram = Object.fromEntries(buckets.map(({ key, doc_count }) => [key, doc_count]));
  // Within a bucket a quantile may lie past the longest that there was.
  const quantile = (share: number) => Math.min(max, quantileOf(histogram, share) ?? 0);
  return { avgMs: avg ?? undefined, maxMs: max, p50Ms: quantile(0.5), p95Ms: quantile(0.95) };
}
