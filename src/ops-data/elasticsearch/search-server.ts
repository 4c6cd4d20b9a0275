import { type Clock, sleep } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import { HttpClient } from "../../foundation/http-client.ts";
import type { Json, JsonObject } from "../../foundation/json.ts";

export interface SearchConnection {
  /** Of a server of Elasticsearch 8, 9 or OpenSearch 2, 3. */
  url: string;
  user?: string | undefined;
  password?: string | undefined;
  /** Instead of user and password. */
  apiKey?: string | undefined;
  authorityFile?: string | undefined;
}

/** One thing of a bulk request. */
export interface BulkItem {
  action: "index" | "create" | "delete";
  index: string;
  id: string;
  document?: JsonObject;
  /** A document of an older or equal version stays: what comes late changes nothing. */
  version?: number;
  /** Only where the document is still the one that was read. */
  after?: { seqNo: number; primaryTerm: number };
}

/** `conflict`: it is there already, or another was written meanwhile. */
export type BulkOutcome = "done" | "conflict";

const timeoutMs = 30_000;
const maxBulkBytes = 5 * 1024 * 1024;
/** A server that is overloaded is asked again for so long; then whoever gave the items waits and gives them again. */
const overloadedMs = 15_000;

interface BulkAnswer {
  items: Record<
    string,
    { status: number; error?: { type?: string; reason?: string; caused_by?: { reason?: string } } }
  >[];
}

/** What Elasticsearch and OpenSearch have in common, in JSON over HTTP. */
export class SearchServer {
  readonly #http: HttpClient;
  readonly #clock: Clock;

  constructor({ url, user, password, apiKey, authorityFile }: SearchConnection, clock: Clock) {
    const basic =
      user === undefined ? undefined : `Basic ${Buffer.from(`${user}:${password ?? ""}`).toString("base64")}`;
    const authorization = apiKey === undefined ? basic : `ApiKey ${apiKey}`;
    const headers = authorization === undefined ? undefined : { authorization };
    this.#http = new HttpClient({ url, name: "the search server", headers, authorityFile });
    this.#clock = clock;
  }

  close(): void {
    this.#http.close();
  }

  /** `also`: statuses past 400 that are answers. */
  async ask<Answer = unknown>(
    method: string,
    route: string,
    body?: Json,
    { also = [], signal }: { also?: readonly number[]; signal?: AbortSignal | undefined } = {},
  ): Promise<{ status: number; answer: Answer }> {
    const headers = { "content-type": "application/json" };
    const { status, text } = await this.#http.call(method, route, {
      body: body === undefined ? undefined : JSON.stringify(body),
      headers,
      timeoutMs,
      signal,
    });
    if (status >= 400 && !also.includes(status)) throw refusalOf(status, text, this.#http.url);
    return { status, answer: (text === "" ? undefined : JSON.parse(text)) as Answer };
  }

  /**
   * Writes all items, in requests of some megabytes; answers an outcome for each. Items that a busy server turns away are given again,
   * with pauses that grow. Throws `invalid-input` when the server will never take one of them.
   */
  async bulk(items: readonly BulkItem[]): Promise<BulkOutcome[]> {
    const outcomes = new Array<BulkOutcome>(items.length).fill("done");
    const began = this.#clock.monotonic();
    let left = [...items.entries()];
    for (let rounds = 0; left.length > 0; rounds += 1) {
      if (rounds > 0) {
        if (this.#clock.monotonic() - began > overloadedMs) {
          throw new PlatformError(
            "unavailable",
            `the search server has turned away ${left.length} documents: it is overloaded`,
          );
        }
        await sleep(this.#clock, Math.min(50 * 2 ** rounds, 2000), this.#http.closed);
      }
      const turnedAway: typeof left = [];
      for (const part of partsOf(left)) {
        const statuses = await this.#send(part.map(([, item]) => item));
        for (const [index, { status, reason }] of statuses.entries()) {
          const entry = part[index] as (typeof left)[number];
          if (status === 429 || status >= 500) turnedAway.push(entry);
          else if (status === 409) outcomes[entry[0]] = "conflict";
          else if (status >= 400 && !(status === 404 && entry[1].action === "delete")) {
            throw new PlatformError("invalid-input", `the search server refuses ${entry[1].id}: ${reason}`);
          }
        }
      }
      left = turnedAway;
    }
    return outcomes;
  }

  async #send(items: readonly BulkItem[]): Promise<{ status: number; reason: string }[]> {
    const lines = items.flatMap(({ action, index, id, document, version, after }) => [
      JSON.stringify({
        [action]: {
          _index: index,
          _id: id,
          ...(version === undefined ? {} : { version, version_type: "external" }),
          ...(after && { if_seq_no: after.seqNo, if_primary_term: after.primaryTerm }),
        },
      }),
      ...(document === undefined ? [] : [JSON.stringify(document)]),
    ]);
    const headers = { "content-type": "application/x-ndjson" };
    const body = `${lines.join("\n")}\n`;
    const { status, text } = await this.#http.call("POST", "/_bulk", { body, headers, timeoutMs });
    if (status === 429 || status === 503) return items.map(() => ({ status: 429, reason: "overloaded" }));
    if (status >= 400) throw refusalOf(status, text, this.#http.url);
    return (JSON.parse(text) as BulkAnswer).items.map((item) => {
      const [result] = Object.values(item);
      const { type = "", reason = "", caused_by: cause } = result?.error ?? {};
      return { status: result?.status ?? 500, reason: [type, reason, cause?.reason].filter(Boolean).join(": ") };
    });
  }
}

function* partsOf(items: readonly (readonly [number, BulkItem])[]): Generator<[number, BulkItem][]> {
  let part: [number, BulkItem][] = [];
  let bytes = 0;
  for (const [index, item] of items) {
    const size = 200 + (item.document === undefined ? 0 : JSON.stringify(item.document).length);
    if (part.length > 0 && bytes + size > maxBulkBytes) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push([index, item]);
    bytes += size;
  }
  if (part.length > 0) yield part;
}

function refusalOf(status: number, text: string, url: string): PlatformError {
  const said = text.slice(0, 500);
  if (status === 401 || status === 403) {
    return new PlatformError("forbidden", `the search server at ${url} refuses the credentials of opsData: ${said}`);
  }
  if (status === 400 || status === 404) {
    return new PlatformError("invalid-input", `the search server at ${url} answered ${status}: ${said}`);
  }
  return new PlatformError("unavailable", `the search server at ${url} answered ${status}: ${said}`);
}
