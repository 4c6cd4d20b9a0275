import type { Duplex } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { type ErrorCode, isPlatformError, PlatformError } from "../foundation/errors.ts";
import { HttpClient, type HttpClientOptions, type HttpStream } from "../foundation/http-client.ts";

export interface ApiCall {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  query?: Record<string, string>;
  /** Becomes JSON; of a PATCH what is merged (RFC 7396). */
  body?: unknown;
  signal?: AbortSignal | undefined;
}

export interface ApiClientOptions extends Omit<HttpClientOptions, "connectionEach"> {
  /** Whether a refusal with this status passes by itself. */
  isBusy(status: number): boolean;
}

const codes: Readonly<Record<number, ErrorCode>> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not-found",
  409: "conflict",
};

/**
 * The JSON API of whoever runs steps for us. Throws a retryable `unavailable` when it does not answer or is busy; its other
 * refusals are not retryable. All of them tell its own words.
 */
export class ApiClient {
  readonly #options: ApiClientOptions;
  readonly #http: HttpClient;

  constructor(options: ApiClientOptions) {
    this.#options = options;
    this.#http = new HttpClient({ ...options, connectionEach: true });
  }

  /** The answer's JSON; undefined where it has no body. */
  async json<Body>(call: ApiCall): Promise<Body> {
    const text = await textOf(await this.bytes(call));
    return (text.trim() === "" ? undefined : JSON.parse(text)) as Body;
  }

  /** As `json`; undefined where there is no such thing. */
  async find<Body>(call: ApiCall): Promise<Body | undefined> {
    try {
      return await this.json<Body>(call);
    } catch (error) {
      if (isPlatformError(error, "not-found")) return undefined;
      throw error;
    }
  }

  /** The answer's bytes as they come. */
  async bytes(call: ApiCall): Promise<AsyncIterable<Buffer>> {
    return (await this.#open(call)).body;
  }

  /** The objects of an answer that has one after the other, as they come. */
  async *lines(call: ApiCall): AsyncGenerator<Record<string, unknown>> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const piece of await this.bytes(call)) {
      const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
    }
    if (rest.trim() !== "") yield JSON.parse(rest);
  }

  /** The connection itself, which carries something else from here on. */
  async upgrade(call: ApiCall, protocol: string): Promise<Duplex> {
    const answer = await this.#http.upgrade(call.method, routeOf(call), protocol, { signal: call.signal });
    if ("socket" in answer) return answer.socket;
    throw await this.#refusal(answer);
  }

  async #open(call: ApiCall): Promise<HttpStream> {
    const { method, body, signal } = call;
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const answer = await this.#http.open(method, routeOf(call), {
      signal,
      headers: { accept: "application/json", ...(body !== undefined && { "content-type": type }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (answer.status >= 400) throw await this.#refusal(answer);
    return answer;
  }

  async #refusal(answer: HttpStream): Promise<PlatformError> {
    const { name, isBusy } = this.#options;
    const { status } = answer;
    // A refusal stays one where the connection ends before all of its words are there.
    const said = messageIn(await textOf(answer.body).catch(() => "")) ?? `it answered with the status ${status}`;
    const retryable = isBusy(status);
    const code = retryable || status >= 500 ? "unavailable" : (codes[status] ?? "invalid-input");
    return new PlatformError(code, `${name} says: ${said}`, { retryable });
  }
}

function routeOf({ path, query = {} }: ApiCall): string {
  const search = new URLSearchParams(query).toString();
  return search === "" ? path : `${path}?${search}`;
}

function messageIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string }).message;
  } catch {
    return text.trim().slice(0, 500) || undefined;
  }
}
