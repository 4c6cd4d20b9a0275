import type { IncomingMessage } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { Connection } from "../../config/connection.ts";
import { messageOf } from "../../foundation/errors.ts";
import { CliError } from "../cli-error.ts";
import { safe } from "../terminal/safe.ts";
import { readEventStream, type ServerSentEvent } from "./event-stream.ts";
import { httpRequest, textOf } from "./http-request.ts";
import { errorOfAnswer, type ProblemDocument } from "./problem-document.ts";
import type { ListAnswer } from "./wire.ts";

export type Query = Record<string, string | number | boolean | undefined>;

export interface Answer<Body> {
  status: number;
  body: Body;
}

/** Between the end of a stream and the next try. */
const reconnectMs = 500;

interface Call {
  query?: Query | undefined;
  json?: unknown;
  /** Raw body, with its media type among the headers. */
  body?: Uint8Array;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/** The API, for one command. Every refusal becomes a `CliError` with what, why and the fix. */
export class Client {
  readonly url: string;
  readonly #token: string | undefined;
  readonly #fallen: Connection["fallen"];

  constructor({ url, token, fallen }: Pick<Connection, "url" | "token" | "fallen">) {
    this.url = url.replace(/\/+$/, "");
    this.#token = token;
    this.#fallen = fallen;
  }

  async get<Body>(path: string, query?: Query, signal?: AbortSignal): Promise<Body> {
    return (await this.send<Body>("GET", path, { query, signal })).body;
  }

  async send<Body>(method: string, path: string, call: Call = {}): Promise<Answer<Body>> {
    const answer = await this.#request(method, path, call);
    const text = await textOf(answer);
    const status = answer.statusCode ?? 0;
    if (text === "") return { status, body: undefined as Body };
    const body = parsed(text);
    if (body === undefined) throw this.#foreign(status, text);
    return { status, body: body as Body };
  }

  /** Items of a list over as many pages as `limit` takes. `next` continues after the last one. */
  async list<Item>(path: string, query: Query, limit: number): Promise<{ items: Item[]; next: string | undefined }> {
    const items: Item[] = [];
    let after = query.after;
    for (;;) {
      const pageSize = Math.min(limit - items.length, 1000);
      const page = await this.get<ListAnswer<Item>>(path, { ...query, limit: pageSize, after });
      items.push(...page.items);
      const next = page.next ?? undefined;
      if (next === undefined || items.length >= limit) return { items, next };
      after = next;
    }
  }

  /** The body as it arrives. */
  async bytes(path: string, query?: Query): Promise<AsyncIterable<Uint8Array>> {
    return this.#request("GET", path, { query });
  }

  /** Server-sent events, until the server ends the stream or `signal` aborts. */
  async *events(
    path: string,
    query: Query,
    options: { signal?: AbortSignal; lastId?: string | undefined } = {},
  ): AsyncGenerator<ServerSentEvent> {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (options.lastId !== undefined) headers["last-event-id"] = options.lastId;
    try {
      yield* readEventStream(await this.#request("GET", path, { query, headers, signal: options.signal }));
    } catch (error) {
      if (options.signal?.aborted) return;
      throw error instanceof CliError ? error : this.#unreachable(error);
    }
  }

  /** Sends a body and reads the answer as it comes: server-sent events, to their end. */
  async *sendTold(method: string, path: string, call: Call): AsyncGenerator<ServerSentEvent> {
    const headers = { ...call.headers, accept: "text/event-stream" };
    try {
      yield* readEventStream(await this.#request(method, path, { ...call, headers }));
    } catch (error) {
      throw error instanceof CliError ? error : this.#unreachable(error);
    }
  }

  /** As `events`, and connects again where the stream breaks, from where it was. Ends with `signal` only. */
  async *follow(path: string, query: Query, signal?: AbortSignal): AsyncGenerator<ServerSentEvent> {
    let lastId: string | undefined;
    while (!signal?.aborted) {
      for await (const event of this.events(path, query, { ...(signal ? { signal } : {}), lastId })) {
        lastId = event.id ?? lastId;
        yield event;
      }
      await pause(reconnectMs);
    }
  }

  async #request(method: string, path: string, call: Call): Promise<IncomingMessage> {
    const { query, json, body, headers, signal } = call;
    const target = `${this.url}${path}${toQuery(query)}`;
    let answer: IncomingMessage;
    try {
      answer = await httpRequest(target, {
        method,
        headers: {
          accept: "application/json",
          ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
          ...(json === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        body: json === undefined ? body : JSON.stringify(json),
        signal,
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw this.#unreachable(error);
    }
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    const text = await textOf(answer);
    const document = problemIn(text);
    // Before a platform stands what may answer for it, where it is away or we may not pass.
    if (document.code === undefined && status < 500 && status !== 401 && status !== 403) {
      throw this.#foreign(status, text);
    }
    throw errorOfAnswer(status, document, `${method} ${target}`);
  }

  #foreign(status: number, text: string): CliError {
    const line = firstLine(text);
    return new CliError({
      what: `what answers at ${this.url} is no StreamZero FX platform`,
      why: `it answered with status ${status}${line === "" ? "" : `: ${line}`}`,
      fix: "say where the platform is with --url or FX_URL",
      exit: "unreachable",
    });
  }

  #unreachable(error: unknown): CliError {
    const refused = (error as { code?: string }).code === "ECONNREFUSED";
    const fallen =
      this.#fallen && `process ${this.#fallen.pid} of this data directory has died (it was at ${this.#fallen.url})`;
    return new CliError({
      what: `no platform answers at ${this.url}`,
      why: fallen ?? (refused ? "nothing listens there" : messageOf(error)),
      fix: "start one with `fx start`, or say where it is with --url or FX_URL",
      exit: "unreachable",
    });
  }
}

function toQuery(query: Query | undefined): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  if (given.length === 0) return "";
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

function problemIn(text: string): ProblemDocument {
  const document = parsed(text);
  if (document !== null && typeof document === "object") return document;
  const line = firstLine(text);
  return line === "" ? {} : { detail: line };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Of a page of somebody else, a line of it is enough to know it by. */
function firstLine(text: string): string {
  return safe(text.trim().split(/\r?\n/, 1)[0] ?? "").slice(0, 120);
}
