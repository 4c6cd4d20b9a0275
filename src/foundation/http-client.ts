import http, { type IncomingHttpHeaders } from "node:http";
import https from "node:https";
import { text as textOf } from "node:stream/consumers";
import { messageOf, PlatformError } from "./errors.ts";
import { tlsFailureOf } from "./tls-failure.ts";
import { readTlsFiles, type TlsFiles } from "./tls-files.ts";

export interface HttpClientOptions {
  /** Where the server is, http or https; what is asked for follows on it. */
  url: string;
  /** The server's name in messages: "Consul". */
  name: string;
  headers?: Readonly<Record<string, string>> | undefined;
  /** Of an address with https. */
  tls?: TlsFiles | undefined;
}

export interface HttpCall {
  body?: Uint8Array | string | undefined;
  headers?: Readonly<Record<string, string>>;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  status: number;
  text: string;
  headers: IncomingHttpHeaders;
}

/** A server that is asked again and again, over connections that stay. Any answer is one; no answer throws `unavailable`. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #url: string;
  readonly #agent: http.Agent;
  readonly #closing = new AbortController();

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#url = options.url.replace(/\/$/, "");
    const { name, tls = {} } = options;
    this.#agent = this.#isSecure
      ? new https.Agent({ keepAlive: true, ...readTlsFiles(tls, name) })
      : new http.Agent({ keepAlive: true });
  }

  get url(): string {
    return this.#url;
  }

  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** Calls under way fail. */
  close(): void {
    this.#closing.abort();
    this.#agent.destroy();
  }

  async call(method: string, route: string, { body, headers, timeoutMs, signal }: HttpCall): Promise<HttpAnswer> {
    const { name } = this.#options;
    if (this.#closing.signal.aborted) {
      throw new PlatformError("unavailable", `the connection to ${name} is closed`, { retryable: false });
    }
    const ends = [this.#closing.signal, AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])];
    try {
      return await this.#send(method, route, { body, headers: headers ?? {}, signal: AbortSignal.any(ends) });
    } catch (error) {
      const reason = isTimeout(error) ? `not within ${timeoutMs} ms` : (tlsFailureOf(error) ?? messageOf(error));
      throw new PlatformError("unavailable", `${name} at ${this.#url} does not answer: ${reason}`, { cause: error });
    }
  }

  get #isSecure(): boolean {
    return this.#url.startsWith("https:");
  }

  #send(
    method: string,
    route: string,
    {
      body,
      headers,
      signal,
    }: { body: HttpCall["body"]; headers: Readonly<Record<string, string>>; signal: AbortSignal },
  ): Promise<HttpAnswer> {
    const { request } = this.#isSecure ? https : http;
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const all = { ...this.#options.headers, ...headers, ...length };
    return new Promise((resolve, reject) => {
      const options = { method, headers: all, signal, agent: this.#agent };
      const sent = request(`${this.#url}${route}`, options, (response) => {
        textOf(response).then(
          (text) => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
          reject,
        );
      });
      sent.once("error", reject);
      sent.end(body);
    });
  }
}

function isTimeout(error: unknown): boolean {
  const { name, cause } = error as { name?: string; cause?: { name?: string } };
  return name === "TimeoutError" || cause?.name === "TimeoutError";
}
