import type { Clock } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { JsonObject } from "../../foundation/json.ts";
import { type LogLevelName, logLevels } from "../../search/query-fields.ts";
import type {
  CountRequest,
  EventHit,
  Found,
  LineCounts,
  LogLine,
  LogRecord,
  Search,
  SearchRequest,
} from "../ops-data.ts";
import { type DocumentKind, dayMs, type Indices } from "./indices.ts";
import { timeOfOrder } from "./line-assembly.ts";
import { queryDsl, within } from "./query-dsl.ts";
import { type CompositeBucket, compositeBuckets, type Hit, openIndices, search } from "./search-answers.ts";
import type { SearchServer } from "./search-server.ts";

const pageSize = 1000;

interface LineSource {
  message: string;
  log: { level: LogLevelName };
  fx: {
    at: number;
    order: string;
    execution: string;
    project: string;
    service: string;
    attempt: number;
    step: number;
    script: string;
    stream: LogRecord["stream"];
  };
}

interface EventSource {
  message: string;
  trace?: { id: string };
  event: { id: string; action: string; provider: string };
  fx: { at: number; order: string; key: string; project?: string; subject?: string };
}

/** Searches back through the days, the newest first, in spans that grow: what is found soon is answered soon. */
export class EngineSearch implements Search {
  readonly #server: SearchServer;
  readonly #indices: Indices;
  readonly #clock: Clock;

  constructor(server: SearchServer, indices: Indices, clock: Clock) {
    this.#server = server;
    this.#indices = indices;
    this.#clock = clock;
  }

  lines(request: SearchRequest): Promise<Found<LogLine>> {
    return this.#find("lines", request, lineOf);
  }

  events(request: SearchRequest): Promise<Found<EventHit>> {
    return this.#find("events", request, eventOf);
  }

  async countLines({ query, from, to, bucketMs, timeLimitMs, signal }: CountRequest): Promise<LineCounts> {
    const names = {
      project: "fx.project",
      service: "fx.service",
      script: "fx.script",
      stream: "fx.stream",
      level: "fx.level",
    };
    const sources: JsonObject[] = [
      { bucketAt: { histogram: { field: "fx.at", interval: bucketMs } } },
      ...Object.entries(names).map(([name, field]) => ({ [name]: { terms: { field } } })),
    ];
    const counts: LineCounts["counts"] = [];
    const searched = await this.#spans("lines", { from, to, timeLimitMs }, async (span) => {
      const filter = [queryDsl(query, "lines"), ...within(span.from, span.to)];
      const asked = { query: { bool: { filter } }, sources };
      for await (const { key, doc_count: count } of compositeBuckets<CompositeBucket>(
        this.#server,
        this.#indices.all("lines"),
        asked,
        signal,
      )) {
        const { bucketAt, project, service, script, stream, level } = key;
        counts.push({
          bucketAt: Number(bucketAt),
          project: String(project),
          service: String(service),
          script: String(script),
          stream: String(stream),
          level: logLevels[Number(level)] ?? "none",
          count,
        });
      }
      return true;
    });
    return { counts, ...searched };
  }

  async #find<Source, Item>(
    kind: "lines" | "events",
    { query, from, to, limit, after, timeLimitMs, signal }: SearchRequest,
    itemOf: (hit: Hit<Source>) => Item,
  ): Promise<Found<Item>> {
    if (after !== undefined && !/^\d{16,}$/.test(after)) {
      throw new PlatformError("invalid-input", `"${after}" is not the id of an item that was found`);
    }
    const items: Item[] = [];
    const end = after === undefined ? to : Math.min(to, timeOfOrder(after) + 1);
    let last = after;
    const searched = await this.#spans(kind, { from, to: end, timeLimitMs }, async (span) => {
      while (items.length < limit) {
        const size = Math.min(limit - items.length, pageSize);
        const body = {
          size,
          query: { bool: { filter: [queryDsl(query, kind), ...within(span.from, span.to)] } },
          sort: [{ "fx.order": "desc" }],
          ...(last === undefined ? {} : { search_after: [last] }),
        };
        const { hits } = await search<Source>(this.#server, this.#indices.all(kind), body, signal);
        items.push(...hits.hits.map(itemOf));
        last = (hits.hits.at(-1)?.sort?.[0] as string | undefined) ?? last;
        if (hits.hits.length < size) return true;
      }
      return false;
    });
    return { items, ...searched };
  }

  /** Goes back span by span until `look` has enough, there is no more, or the time is up. */
  async #spans(
    kind: DocumentKind,
    { from, to, timeLimitMs }: { from: number; to: number; timeLimitMs: number },
    look: (span: { from: number; to: number }) => Promise<boolean>,
  ): Promise<{ complete: boolean; searchedTo: number }> {
    const began = this.#clock.monotonic();
    const days = await this.#days(kind);
    const oldest = days.at(-1);
    const newest = days[0];
    if (oldest === undefined || newest === undefined) return { complete: true, searchedTo: from };
    let upper = to;
    for (let span = dayMs; ; span *= 2) {
      const reached = Math.min(upper, newest + dayMs);
      // The last one takes the rest: there may be more than its index's name says.
      const lower = reached - span <= oldest ? from : Math.max(from, dayBegin(reached - span));
      if (!(await look({ from: lower, to: upper }))) return { complete: true, searchedTo: lower };
      if (lower <= from) return { complete: true, searchedTo: from };
      upper = lower;
      if (this.#clock.monotonic() - began >= timeLimitMs) return { complete: false, searchedTo: upper };
    }
  }

  /** Days that have an index, the newest first. */
  async #days(kind: DocumentKind): Promise<number[]> {
    const names = await openIndices(this.#server, this.#indices.all(kind));
    const days = names.flatMap((index) => this.#indices.dayOf(index) ?? []);
    return days.sort((left, right) => right - left);
  }
}

function dayBegin(at: number): number {
  return Math.floor(at / dayMs) * dayMs;
}

function lineOf({ _source: { message, log, fx } }: Hit<LineSource>): LogLine {
  const { order, execution, ...rest } = fx;
  const { at, project, service, attempt, step, script, stream } = rest;
  return {
    id: order,
    at,
    executionId: execution,
    project,
    service,
    attempt,
    step,
    script,
    stream,
    level: log.level,
    text: message,
  };
}

function eventOf({ _source: { message, trace, event, fx } }: Hit<EventSource>): EventHit {
  return {
    id: fx.order,
    key: fx.key,
    at: fx.at,
    eventId: event.id,
    source: event.provider,
    type: event.action,
    subject: fx.subject,
    project: fx.project,
    correlationId: trace?.id,
    excerpt: message,
  };
}
