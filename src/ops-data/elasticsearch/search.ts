import type { Clock } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { CountRequest, EventHit, Found, LineCounts, LogLine, Search, SearchRequest } from "../ops-data.ts";
import type { Cluster } from "./cluster.ts";
import { type EventDocument, eventHitOf, type LineDocument, lineOf } from "./documents.ts";
import { queryDsl, type SearchKind, timeQuery } from "./query-dsl.ts";
import { type Slice, TimeWalk } from "./time-walk.ts";

/** The newest first; after the time, what tells two of one time apart. */
const orders = {
  lines: ["fx.order", "fx.execution", "fx.attempt"],
  events: ["fx.key"],
} as const satisfies Record<SearchKind, readonly string[]>;
const bucketsAtOnce = 1000;

/** Searches that walk back through time, slice by slice. */
export class ElasticsearchSearch implements Search {
  readonly #cluster: Cluster;
  readonly #walk: TimeWalk;

  constructor(cluster: Cluster, clock: Clock) {
    this.#cluster = cluster;
    this.#walk = new TimeWalk(cluster, clock);
  }

  lines(request: SearchRequest): Promise<Found<LogLine>> {
    return this.#page<LineDocument, LogLine>("lines", request, lineOf);
  }

  events(request: SearchRequest): Promise<Found<EventHit>> {
    return this.#page<EventDocument, EventHit>("events", request, eventHitOf);
  }

  async countLines(request: CountRequest): Promise<LineCounts> {
    const merged = new Map<string, LineCounts["counts"][number]>();
    const { items, ...rest } = await this.#walk.through("lines", request, (from, to, timeout) =>
      this.#countSlice(request, from, to, timeout),
    );
    for (const { count, ...keys } of items) {
      const name = JSON.stringify(keys);
      merged.set(name, { ...keys, count: count + (merged.get(name)?.count ?? 0) });
    }
    return { counts: [...merged.values()], ...rest };
  }

  async #page<Source extends { "@timestamp": number }, Item>(
    kind: SearchKind,
    request: SearchRequest,
    itemOf: (id: string, source: Source) => Item,
  ): Promise<Found<Item>> {
    const { query, limit } = request;
    let after = request.after === undefined ? undefined : placeOf(request.after, kind);
    // What is after a place is no younger.
    const to = after === undefined ? request.to : Math.min(request.to, Number(after[0]) + 1);
    const filter = [queryDsl(query, kind)];
    let left = limit;
    return this.#walk.through(kind, { ...request, to }, async (begin, end, timeout) => {
      const { hits, timed_out } = await this.#cluster.search<Source>(kind, {
        size: Math.min(left, 10_000),
        timeout,
        track_total_hits: false,
        query: { bool: { filter: [...filter, ...timeQuery(begin, end)] } },
        sort: ["@timestamp", ...orders[kind]].map((field) => ({ [field]: "desc" })),
        _source: { excludes: ["fx.words"] },
        ...(after && { search_after: after }),
      });
      if (timed_out) return "timed-out";
      const last = hits.hits.at(-1);
      after = last?.sort ?? after;
      left -= hits.hits.length;
      return {
        items: hits.hits.map(({ _source, sort }) => itemOf(idOf(sort), _source)),
        ...(left === 0 && last && { cutAt: last._source["@timestamp"] }),
      };
    });
  }

  async #countSlice(
    { query, bucketMs }: CountRequest,
    from: number,
    to: number,
    timeout: string,
  ): Promise<Slice<LineCounts["counts"][number]>> {
    const items: LineCounts["counts"] = [];
    const fields = { project: "fx.project", service: "service.name", script: "fx.script", stream: "fx.stream" };
    const keys = Object.entries({ ...fields, level: "log.level" }).map(([name, field]) => ({
      [name]: { terms: { field } },
    }));
    const bucketAt = { date_histogram: { field: "@timestamp", fixed_interval: `${bucketMs}ms` } };
    for (let after: object | undefined; ; ) {
      const { aggregations, timed_out } = await this.#cluster.search("lines", {
        size: 0,
        timeout,
        query: { bool: { filter: [queryDsl(query, "lines"), ...timeQuery(from, to)] } },
        aggs: {
          counts: { composite: { size: bucketsAtOnce, sources: [{ bucketAt }, ...keys], ...(after && { after }) } },
        },
      });
      if (timed_out) return "timed-out";
      const { buckets, after_key } = (aggregations?.counts ?? { buckets: [] }) as {
        buckets: { key: Omit<LineCounts["counts"][number], "count">; doc_count: number }[];
        after_key?: object;
      };
      for (const { key, doc_count } of buckets) items.push({ ...key, count: doc_count });
      if (buckets.length < bucketsAtOnce) return { items };
      after = after_key;
    }
  }
}

function idOf(sort: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(sort)).toString("base64url");
}

function placeOf(after: string, kind: SearchKind): unknown[] {
  const place = parsed(Buffer.from(after, "base64url").toString());
  const wanted = kind === "lines" ? ["number", "number", "string", "number"] : ["number", "string"];
  if (Array.isArray(place) && place.map((value) => typeof value).join() === wanted.join()) return place;
  throw new PlatformError("invalid-input", `"after" must be the "next" of a page of the same search; found "${after}"`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
