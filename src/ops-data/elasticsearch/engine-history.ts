import { createHash } from "node:crypto";
import { addDuration, type DurationHistogram, quantileOf } from "../../executions/duration-histogram.ts";
import type { ExecutionStatus, Trigger } from "../../executions/execution.ts";
import type { JsonObject } from "../../foundation/json.ts";
import { wordsOf } from "../../search/words.ts";
import { serviceRef } from "../../services/service-ref.ts";
import { dataText, excerptOf } from "../event-text.ts";
import type {
  DurationStats,
  History,
  PastExecution,
  StatsKey,
  StatsQuery,
  StatsRow,
  StoredEvent,
} from "../ops-data.ts";
import { afterLifecycle, type Lifecycle, lifecycleOf, type PastRow } from "../past-row.ts";
import type { Indices } from "./indices.ts";
import { timeOrder } from "./line-assembly.ts";
import { pruneDays } from "./prune.ts";
import type { Refresher } from "./refresher.ts";
import { compositeBuckets, deleteMatching, search } from "./search-answers.ts";
import type { BulkItem, SearchServer } from "./search-server.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const pageSize = 1000;

interface Known {
  row: PastRow;
  seqNo: number;
  primaryTerm: number;
}

/** Events, one document each, and executions, one document that their events complete. */
export class EngineHistory implements History {
  readonly #server: SearchServer;
  readonly #indices: Indices;
  readonly #refresher: Refresher;

  constructor(server: SearchServer, indices: Indices, refresher: Refresher) {
    this.#server = server;
    this.#indices = indices;
    this.#refresher = refresher;
  }

  async record(events: readonly StoredEvent[]): Promise<void> {
    const fresh = await this.#unknownOf(events);
    const items = fresh.map(
      (stored): BulkItem => ({
        action: "create",
        index: this.#indices.of("events", stored.at),
        id: stored.key,
        document: eventDocument(stored),
      }),
    );
    await this.#server.bulk(items);
    const touched = new Set(items.map(({ index }) => index));
    if (await this.#complete(events)) touched.add(this.#indices.executions);
    await this.#refresher.refresh(touched);
  }

  async executionStats(query: StatsQuery): Promise<StatsRow[]> {
    const { by, project, service } = query;
    const from = Math.floor(query.from / minuteMs) * minuteMs;
    const to = Math.floor((query.to + minuteMs - 1) / minuteMs) * minuteMs;
    const filter = [
      { range: { "fx.finished_at": { gte: from, lt: to } } },
      ...(project === undefined ? [] : [{ term: { "fx.project": project } }]),
      ...(service === undefined ? [] : [{ term: { "fx.service": service } }]),
    ];
    const sources = sourcesOf(by);
    const aggs = { duration: durationAggs("duration"), queue: durationAggs("queue") };
    const rows: StatsRow[] = [];
    const asked = { query: { bool: { filter } }, sources, aggs };
    for await (const bucket of compositeBuckets<StatsBucket>(this.#server, this.#indices.all("executions"), asked)) {
      const { at, all: _, ...keys } = bucket.key;
      rows.push({
        ...(keys as Partial<StatsRow>),
        ...(at === undefined ? {} : { at: Number(at) }),
        count: bucket.doc_count,
        duration: statsOf(bucket.duration),
        queue: statsOf(bucket.queue),
      });
    }
    return rows.sort((left, right) => (left.at ?? 0) - (right.at ?? 0) || right.count - left.count);
  }

  async slowest({
    from,
    to,
    project,
    limit,
  }: {
    from: number;
    to: number;
    project?: string | undefined;
    limit: number;
  }): Promise<PastExecution[]> {
    const filter = [
      { range: { "fx.finished_at": { gte: from, lt: to } } },
      { exists: { field: "fx.duration_ms" } },
      ...(project === undefined ? [] : [{ term: { "fx.project": project } }]),
    ];
    const body = { size: limit, query: { bool: { filter } }, sort: [{ "fx.duration_ms": "desc" }] };
    const { hits } = await search<{ fx: RowFields }>(this.#server, this.#indices.all("executions"), body);
    return hits.hits.map(({ _source: { fx } }) => ({
      executionId: fx.execution,
      project: fx.project,
      service: fx.service,
      version: fx.version,
      trigger: fx.trigger,
      status: fx.status,
      correlationId: fx.flow,
      attempt: fx.attempt,
      createdAt: fx.created_at,
      startedAt: fx.started_at as number,
      finishedAt: fx.finished_at as number,
    }));
  }

  async prune(before: number): Promise<number> {
    const events = await pruneDays(this.#server, this.#indices, "events", before);
    const old = { range: { "fx.last_at": { lt: before } } };
    return events + (await deleteMatching(this.#server, this.#indices.all("executions"), old));
  }

  /** Those that are not stored on any day: an event that was sent twice came at two times. */
  async #unknownOf(events: readonly StoredEvent[]): Promise<StoredEvent[]> {
    const byKey = new Map<string, StoredEvent>();
    for (const stored of events) if (!byKey.has(stored.key)) byKey.set(stored.key, stored);
    const keys = [...byKey.keys()];
    for (let at = 0; at < keys.length; at += pageSize) {
      const some = keys.slice(at, at + pageSize);
      const body = { size: some.length, _source: false, query: { ids: { values: some } } };
      const { hits } = await search(this.#server, this.#indices.all("events"), body);
      for (const { _id } of hits.hits) byKey.delete(_id);
    }
    return [...byKey.values()];
  }

  /** Adds what lifecycle events tell to the documents of their executions; again for those that another changed meanwhile. */
  async #complete(events: readonly StoredEvent[]): Promise<boolean> {
    const told = events.flatMap((stored): { lifecycle: Lifecycle; at: number }[] => {
      const lifecycle = lifecycleOf(stored);
      return lifecycle === undefined ? [] : [{ lifecycle, at: stored.at }];
    });
    let left = Map.groupBy(told, ({ lifecycle }) => lifecycle.data.executionId);
    const any = left.size > 0;
    while (left.size > 0) {
      const known = await this.#known([...left.keys()]);
      const entries = [...left];
      const items = entries.map(([id, news]): BulkItem => {
        const before = known.get(id);
        let row = before?.row;
        for (const { lifecycle } of news) row = afterLifecycle(row, lifecycle).row;
        const document = executionDocument(row as PastRow, Math.max(...news.map(({ at }) => at)));
        const { executions: index } = this.#indices;
        if (before === undefined) return { action: "create", index, id, document };
        return { action: "index", index, id, document, after: before };
      });
      const outcomes = await this.#server.bulk(items);
      left = new Map(entries.filter((_, index) => outcomes[index] === "conflict"));
    }
    return any;
  }

  async #known(ids: readonly string[]): Promise<Map<string, Known>> {
    const found = new Map<string, Known>();
    const docs = ids.map((id) => ({ _index: this.#indices.executions, _id: id }));
    type Docs = {
      docs: { _id: string; found?: boolean; _seq_no: number; _primary_term: number; _source: { fx: RowFields } }[];
    };
    const { answer } = await this.#server.ask<Docs>("POST", "/_mget", { docs });
    for (const doc of answer.docs) {
      if (!doc.found) continue;
      found.set(doc._id, { row: rowOf(doc._source.fx), seqNo: doc._seq_no, primaryTerm: doc._primary_term });
    }
    return found;
  }
}

interface RowFields {
  execution: string;
  project: string;
  service: string;
  version: string;
  trigger: Trigger;
  status: ExecutionStatus;
  flow: string;
  attempt: number;
  created_at: number;
  started_at?: number;
  finished_at?: number;
}

interface DurationBucket {
  avg: { value: number | null };
  max: { value: number | null };
  buckets: { buckets: { key: number; doc_count: number }[] };
}

interface StatsBucket {
  key: Record<string, string | number>;
  doc_count: number;
  duration: DurationBucket;
  queue: DurationBucket;
}

function sourcesOf(by: readonly StatsKey[]): JsonObject[] {
  const terms = (name: string) => ({ [name]: { terms: { field: `fx.${name}` } } });
  const at = by.includes("hour") ? hourMs : by.includes("day") ? dayMs : undefined;
  const sources: JsonObject[] = [
    ...(at === undefined ? [] : [{ at: { histogram: { field: "fx.finished_at", interval: at } } }]),
    ...(by.includes("service") || by.includes("project") ? [terms("project")] : []),
    ...(by.includes("service") ? [terms("service")] : []),
    ...(by.includes("trigger") ? [terms("trigger")] : []),
    ...(by.includes("status") ? [terms("status")] : []),
  ];
  // Without a key all are one group; each has a time.
  return sources.length > 0
    ? sources
    : [{ all: { histogram: { field: "fx.finished_at", interval: Number.MAX_SAFE_INTEGER } } }];
}

/** Quantiles are taken of the same buckets as elsewhere: the same runs have the same statistics whatever keeps them. */
function durationAggs(name: "duration" | "queue"): JsonObject {
  return {
    filter: { exists: { field: `fx.${name}_ms` } },
    aggs: {
      avg: { avg: { field: `fx.${name}_ms` } },
      max: { max: { field: `fx.${name}_ms` } },
      buckets: { terms: { field: `fx.${name}_bucket`, size: 1000 } },
    },
  };
}

function statsOf({ avg, max, buckets }: DurationBucket): DurationStats {
  if (avg.value === null || max.value === null) {
    return { avgMs: undefined, maxMs: undefined, p50Ms: undefined, p95Ms: undefined };
  }
  const maxMs = max.value;
  const histogram: DurationHistogram = Object.fromEntries(
    buckets.buckets.map(({ key, doc_count: count }) => [String(key), count]),
  );
  const quantile = (share: number) => Math.min(maxMs, quantileOf(histogram, share) ?? 0);
  return { avgMs: avg.value, maxMs, p50Ms: quantile(0.5), p95Ms: quantile(0.95) };
}

function eventDocument({ key, event, at }: StoredEvent): JsonObject {
  const data = dataText(event.data ?? event.data_base64);
  const { id, source, type, subject, fxproject, correlationid, fxexecution } = event;
  return {
    "@timestamp": new Date(at).toISOString(),
    message: excerptOf(data),
    ...(correlationid === undefined ? {} : { trace: { id: correlationid } }),
    event: { id, action: type, provider: source, dataset: "fx.events" },
    fx: {
      at: Math.floor(at),
      order: timeOrder(at) + digitsOf(key),
      key,
      ...(fxproject === undefined ? {} : { project: fxproject }),
      ...(subject === undefined ? {} : { subject }),
      ...(fxexecution === undefined ? {} : { execution: fxexecution }),
      words: wordsOf(data).join(" "),
    },
  };
}

function digitsOf(key: string): string {
  const hash = createHash("sha256").update(key).digest();
  return String(hash.readBigUInt64BE()).padStart(20, "0");
}

function executionDocument(row: PastRow, lastAt: number): JsonObject {
  const { project, service, version, status, started_at, finished_at, created_at, correlation_id, ...rest } = row;
  const durationMs = started_at === null || finished_at === null ? undefined : finished_at - started_at;
  const queueMs = started_at === null ? undefined : started_at - created_at;
  const { execution_id: execution, ...others } = rest;
  return {
    "@timestamp": new Date(finished_at ?? started_at ?? created_at).toISOString(),
    service: { name: serviceRef({ project, name: service }), version },
    trace: { id: correlation_id },
    event: {
      dataset: "fx.executions",
      ...(status === "completed" ? { outcome: "success" } : status === "failed" ? { outcome: "failure" } : {}),
      // In nanoseconds, as the schema wants it.
      ...(durationMs === undefined ? {} : { duration: durationMs * 1_000_000 }),
    },
    fx: {
      ...others,
      execution,
      project,
      service,
      version,
      status,
      flow: correlation_id,
      created_at,
      ...(started_at === null ? {} : { started_at }),
      ...(finished_at === null ? {} : { finished_at }),
      last_at: lastAt,
      // Runs that were started, when they have ended: those that statistics are of.
      ...(durationMs === undefined ? {} : { duration_ms: durationMs, duration_bucket: bucketOf(durationMs) }),
      ...(queueMs === undefined || finished_at === null ? {} : { queue_ms: queueMs, queue_bucket: bucketOf(queueMs) }),
    },
  };
}

function bucketOf(ms: number): number {
  const histogram: DurationHistogram = {};
  addDuration(histogram, ms);
  return Number(Object.keys(histogram)[0]);
}

function rowOf(fx: RowFields): PastRow {
  return {
    execution_id: fx.execution,
    project: fx.project,
    service: fx.service,
    version: fx.version,
    trigger: fx.trigger,
    status: fx.status,
    correlation_id: fx.flow,
    attempt: fx.attempt,
    created_at: fx.created_at,
    started_at: fx.started_at ?? null,
    finished_at: fx.finished_at ?? null,
  };
}
