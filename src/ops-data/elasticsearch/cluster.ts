import { PlatformError } from "../../foundation/errors.ts";
import type { HttpClient } from "../../foundation/http-client.ts";
import { type IndexKind, indexPattern } from "./indices.ts";

export interface ClusterRequest {
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  body?: string;
  type?: "application/json" | "application/x-ndjson";
}

export interface ClusterAnswer {
  status: number;
  body: unknown;
}

const requestMs = 60_000;

/** A document as it was found. */
export interface Hit<Source> {
  _index: string;
  _id: string;
  _source: Source;
  sort: unknown[];
}

export interface SearchAnswer<Source = unknown> {
  timed_out: boolean;
  hits: { total?: { value: number }; hits: Hit<Source>[] };
  /** Absent where no index was looked at. */
  aggregations?: Record<string, unknown>;
}

interface RawSearchAnswer extends SearchAnswer {
  _shards: { total: number; successful: number };
}

/** One cluster of Elasticsearch or OpenSearch, and the names of this installation in it. Only what the core of both has. */
export class Cluster {
  readonly #http: HttpClient;
  readonly prefix: string;

  constructor(http: HttpClient, prefix: string) {
    this.#http = http;
    this.prefix = prefix;
  }

  /** Throws `unavailable` unless some shard of every index answers: a part of the truth is not told as the whole. */
  async search<Source = unknown>(where: IndexKind | string[], body: object): Promise<SearchAnswer<Source>> {
    const names = Array.isArray(where) ? where.join(",") : indexPattern(this.prefix, where);
    const path = `/${encodeURIComponent(names)}/_search?ignore_unavailable=true&allow_no_indices=true`;
    const answer = (await this.call({ method: "POST", path, body: JSON.stringify(body) })) as RawSearchAnswer;
    const { total, successful } = answer._shards;
    if (successful < total && !answer.timed_out) {
      const missing = `${total - successful} of ${total} shards of ${names} do not answer`;
      throw new PlatformError("unavailable", `Elasticsearch: ${missing}`);
    }
    return answer as SearchAnswer<Source>;
  }

  /** The answer's body. Throws unless it went well, or with a status of `allowed`. */
  async call(request: ClusterRequest, allowed: readonly number[] = []): Promise<unknown> {
    const answer = await this.ask(request);
    if (answer.status < 300 || allowed.includes(answer.status)) return answer.body;
    throw refusal(answer, `${request.method} ${request.path.split("?")[0]}`);
  }

  async ask({ method, path, body, type = "application/json" }: ClusterRequest): Promise<ClusterAnswer> {
    const headers: Record<string, string> = body === undefined ? {} : { "content-type": type };
    const { status, text } = await this.#http.call(method, path, { body, headers, timeoutMs: requestMs });
    return { status, body: parsed(text) };
  }

  /** Nothing happens where it is not there. */
  async deleteIndex(name: string): Promise<void> {
    await this.call({ method: "DELETE", path: `/${encodeURIComponent(name)}` }, [404]);
  }

  /** Aborts when it is closed. */
  get closed(): AbortSignal {
    return this.#http.closed;
  }

  close(): void {
    this.#http.close();
  }
}

/** Only what is wrong with the request is lasting: a cluster that refuses us today may let us in when it is set right. */
export function refusal({ status, body }: ClusterAnswer, what: string): PlatformError {
  const reason = reasonOf(body);
  const text = `Elasticsearch refused ${what} with ${status}: ${reason}`;
  if (status === 400) return new PlatformError("invalid-input", text);
  if (status === 413) return new PlatformError("limit-exceeded", text);
  return new PlatformError("unavailable", text);
}

function reasonOf(body: unknown): string {
  if (typeof body === "string") return body;
  const { error } = (body ?? {}) as { error?: string | { type?: string; reason?: string; root_cause?: Reason[] } };
  if (typeof error === "string" || error === undefined) return error ?? "no reason given";
  const { type, reason } = error.root_cause?.[0] ?? error;
  return [type, reason].filter(Boolean).join(": ");
}

interface Reason {
  type?: string;
  reason?: string;
}

/** What stands before a cluster may answer with a page. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.slice(0, 500);
  }
}
