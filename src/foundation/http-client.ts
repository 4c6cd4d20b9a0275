import http, { type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { messageOf, PlatformError } from "./errors.ts";
import { type TlsNames, tlsFailureOf } from "./tls-failure.ts";
import type { TlsMaterial } from "./tls-files.ts";

const socketScheme = "unix://";

export interface HttpClientOptions {
  /** Where the server is, http or https; what is asked for follows on it. `unix://` and the path of a socket is another way. */
  url: string;
  /** The server's name in messages: "Consul". */
  name: string;
  headers?: Readonly<Record<string, string>> | undefined;
  /** Of an address with https. */
  tls?: TlsMaterial | undefined;
  /** Where people say what `tls` is, if not by settings. */
  tlsNames?: TlsNames | undefined;
  /** Of a server that closes connections as it likes: a call must not fail because the one before it was the last on its own. */
  connectionEach?: boolean;
}

export interface HttpCall {
  body?: Uint8Array | string | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  /** Until all of the answer is there. Without it as long as `signal` allows. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  status: number;
  text: string;
  headers: IncomingHttpHeaders;
}

/** An answer whose head is there. */
export interface HttpStream {
  status: number;
  /** Bytes as they come, to be read once; throws `unavailable` where they end before they are all there. */
  body: AsyncIterable<Buffer>;
}

interface Asked extends HttpCall {
  /** Aborts when its time is over. */
  late: AbortSignal | undefined;
}

/** A server that is asked again and again. Any answer is one; no answer throws a retryable `unavailable`. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #url: string;
  readonly #socketPath: string | undefined;
  /** False: a connection each. */
  readonly #agent: http.Agent | false;
  readonly #closing = new AbortController();

  constructor(options: HttpClientOptions) {
    this.#options = options;
    const { url } = options;
    this.#url = (url.startsWith(socketScheme) ? url : new URL(url).href).replace(/\/$/, "");
    this.#socketPath = this.#url.startsWith(socketScheme) ? this.#url.slice(socketScheme.length) : undefined;
    const { Agent } = this.#url.startsWith("https:") ? https : http;
    this.#agent = options.connectionEach ? false : new Agent({ keepAlive: true, ...options.tls });
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
    if (this.#agent !== false) this.#agent.destroy();
  }

  async call(method: string, route: string, call: HttpCall): Promise<HttpAnswer> {
    return this.#answered(call, async (asked) => {
      const answer = await this.#send(method, route, asked);
      return { status: answer.statusCode ?? 0, text: await textOf(answer), headers: answer.headers };
    });
  }

  /** For an answer that is long, or lasts long. */
  async open(method: string, route: string, call: HttpCall): Promise<HttpStream> {
    return this.#answered(call, async (asked) => this.#streamOf(await this.#send(method, route, asked), asked));
  }

  /** The connection itself, which the server gives up to `protocol`; or its answer, where it does not. */
  async upgrade(
    method: string,
    route: string,
    protocol: string,
    call: HttpCall,
  ): Promise<{ socket: Duplex } | HttpStream> {
    const headers = { ...call.headers, connection: "Upgrade", upgrade: protocol };
    const upgraded = Promise.withResolvers<{ socket: Duplex }>();
    const onUpgrade = (socket: Duplex, first: Buffer) => {
      if (first.length > 0) socket.unshift(first);
      upgraded.resolve({ socket });
    };
    return this.#answered({ ...call, headers }, (asked) => {
      const refused = this.#send(method, route, asked, onUpgrade);
      return Promise.race([upgraded.promise, refused.then((answer) => this.#streamOf(answer, asked))]);
    });
  }

  async #answered<Answer>(call: HttpCall, ask: (asked: Asked) => Promise<Answer>): Promise<Answer> {
    if (this.#closing.signal.aborted) {
      const message = `the connection to ${this.#options.name} is closed`;
      throw new PlatformError("unavailable", message, { retryable: false });
    }
    const { timeoutMs } = call;
    const asked = { ...call, late: timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs) };
    try {
      return await ask(asked);
    } catch (error) {
      throw this.#unanswered(error, asked);
    }
  }

  #unanswered(error: unknown, { timeoutMs, late }: Asked): PlatformError {
    const { name, tlsNames } = this.#options;
    // An answer that is cut short does not say by what.
    const reason = late?.aborted ? `not within ${timeoutMs} ms` : (tlsFailureOf(error, tlsNames) ?? messageOf(error));
    return new PlatformError("unavailable", `${name} at ${this.#url} does not answer: ${reason}`, { cause: error });
  }

  #streamOf(answer: IncomingMessage, asked: Asked): HttpStream {
    const unanswered = (error: unknown) => this.#unanswered(error, asked);
    async function* body(): AsyncGenerator<Buffer> {
      try {
        yield* answer;
      } catch (error) {
        throw unanswered(error);
      }
    }
    return { status: answer.statusCode ?? 0, body: body() };
  }

  /** Resolves with the head of an answer. */
  #send(
    method: string,
    route: string,
    { body, headers, signal, late }: Asked,
    onUpgrade?: (socket: Duplex, first: Buffer) => void,
  ): Promise<IncomingMessage> {
    const { tls } = this.#options;
    const isSecure = this.#url.startsWith("https:");
    const ends = [this.#closing.signal, late, signal].filter((end) => end !== undefined);
    // Node says it of itself for some methods only.
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const options: https.RequestOptions = {
      method,
      headers: { ...this.#options.headers, ...headers, ...length },
      signal: AbortSignal.any(ends),
      agent: this.#agent,
      ...(this.#agent === false && tls),
      ...(this.#socketPath !== undefined && { socketPath: this.#socketPath }),
    };
    const target = this.#socketPath === undefined ? `${this.#url}${route}` : `http://localhost${route}`;
    return new Promise((resolve, reject) => {
      const sent = (isSecure ? https : http).request(target, options, resolve);
      if (onUpgrade) sent.once("upgrade", (_, socket, first) => onUpgrade(socket, first));
      sent.once("error", reject);
      sent.end(body);
    });
  }
}
