import type { JsonObject } from "../../foundation/json.ts";
import type { SearchServer } from "./search-server.ts";

export const dayMs = 24 * 60 * 60 * 1000;

/** What is kept: pieces of output as they came; lines, to be found; events; what became of executions. */
export type DocumentKind = "records" | "lines" | "events" | "executions";

const keyword = { type: "keyword" } as const;
const long = { type: "long" } as const;
const date = { type: "date" } as const;
const unsearched = { type: "keyword", index: false, doc_values: false } as const;
/** Words as the query language takes them apart, with a space between: the server must not do it in another way. */
const words = { type: "text", analyzer: "whitespace", norms: false } as const;

/** Names follow the Elastic Common Schema where it has one; ours are below `fx`. */
export const mappings: Readonly<Record<DocumentKind, JsonObject>> = {
  records: {
    "@timestamp": date,
    fx: {
      properties: {
        at: long,
        execution: keyword,
        project: keyword,
        service: keyword,
        flow: keyword,
        attempt: long,
        step: long,
        script: keyword,
        seq: long,
        stream: keyword,
        level: keyword,
        size: long,
        bytes: { type: "binary" },
      },
    },
  },
  lines: {
    "@timestamp": date,
    message: unsearched,
    log: { properties: { level: keyword } },
    service: { properties: { name: keyword } },
    trace: { properties: { id: keyword } },
    event: { properties: { dataset: keyword } },
    fx: {
      properties: {
        at: long,
        order: keyword,
        execution: keyword,
        project: keyword,
        service: keyword,
        attempt: long,
        step: long,
        script: keyword,
        stream: keyword,
        level: long,
        words,
      },
    },
  },
  events: {
    "@timestamp": date,
    message: unsearched,
    trace: { properties: { id: keyword } },
    event: { properties: { id: keyword, action: keyword, provider: keyword, dataset: keyword } },
    fx: {
      properties: {
        at: long,
        order: keyword,
        key: keyword,
        project: keyword,
        subject: keyword,
        execution: keyword,
        words,
      },
    },
  },
  executions: {
    "@timestamp": date,
    service: { properties: { name: keyword, version: keyword } },
    trace: { properties: { id: keyword } },
    event: { properties: { outcome: keyword, duration: long, dataset: keyword } },
    fx: {
      properties: {
        execution: keyword,
        project: keyword,
        service: keyword,
        version: keyword,
        trigger: keyword,
        status: keyword,
        flow: keyword,
        attempt: long,
        created_at: long,
        started_at: long,
        finished_at: long,
        last_at: long,
        duration_ms: long,
        duration_bucket: long,
        queue_ms: long,
        queue_bucket: long,
      },
    },
  },
};

export interface IndexOptions {
  prefix: string;
  replicas: number;
}

/** Names of indices: one a day and kind, but for executions, of which one is written again by each of its events. */
export class Indices {
  readonly #options: IndexOptions;

  constructor(options: IndexOptions) {
    this.#options = options;
  }

  of(kind: Exclude<DocumentKind, "executions">, at: number): string {
    const day = new Date(Math.floor(at / dayMs) * dayMs).toISOString().slice(0, 10).replaceAll("-", ".");
    return `${this.#name(kind)}-${day}`;
  }

  get executions(): string {
    return `${this.#name("executions")}-all`;
  }

  all(kind: DocumentKind): string {
    return `${this.#name(kind)}-*`;
  }

  /** The day of an index; undefined for a name that is none of ours. */
  dayOf(index: string): number | undefined {
    const found = /-(\d{4})\.(\d\d)\.(\d\d)$/.exec(index);
    return found ? Date.UTC(Number(found[1]), Number(found[2]) - 1, Number(found[3])) : undefined;
  }

  /** Whether all that an index may hold is older. */
  isBefore(index: string, before: number): boolean {
    const day = this.dayOf(index);
    return day !== undefined && day + dayMs <= before;
  }

  /** The templates that make indices as we need them; several processes may lay the same. */
  templates(): Record<string, JsonObject> {
    const { replicas } = this.#options;
    return Object.fromEntries(
      Object.entries(mappings).map(([kind, properties]) => [
        this.#name(kind as DocumentKind),
        {
          index_patterns: [this.all(kind as DocumentKind)],
          priority: 500,
          template: {
            // Searches see what was written once we say so.
            settings: { index: { number_of_shards: 1, number_of_replicas: replicas, refresh_interval: "5s" } },
            mappings: { dynamic: false, properties },
          },
        },
      ]),
    );
  }

  async layTemplates(server: SearchServer): Promise<void> {
    for (const [name, template] of Object.entries(this.templates())) {
      await server.ask("PUT", `/_index_template/${name}`, template);
    }
    const settings = { settings: { index: {} } };
    await server.ask("PUT", `/${this.executions}`, settings, { also: [400] });
  }

  #name(kind: DocumentKind): string {
    return `${this.#options.prefix}-${kind}`;
  }
}
