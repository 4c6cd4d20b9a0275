import { type IncomingMessage, type RequestOptions, request } from "node:http";
import type { Duplex } from "node:stream";
import { messageOf, PlatformError } from "../../foundation/errors.ts";
import type { EngineAddress } from "./engine-address.ts";

export interface EngineCall {
  method: "GET" | "POST" | "DELETE";
  /** With the API's version, as in `/v1.41/containers/json`. */
  path: string;
  query?: Record<string, string>;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/**
 * HTTP with a container engine. Throws a retryable `unavailable` when it does not answer; its refusals, those
 * of its 500s too, are not retryable and tell the engine's own words.
 */
export class EngineClient {
  readonly #address: EngineAddress;

  constructor(address: EngineAddress) {
    this.#address = address;
  }

  /** The answer's JSON; undefined where it has no body. */
  async json<Body>(call: EngineCall): Promise<Body> {
    return this.#read(await this.open(call)) as Promise<Body>;
  }

  /** The answer, once its head is there; its body is read by the caller. */
  async open(call: EngineCall): Promise<IncomingMessage> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(this.#options(call), resolve);
      sent.once("error", (error) => reject(this.#unreachable(error)));
      sent.end(call.body === undefined ? undefined : JSON.stringify(call.body));
    });
    if ((answer.statusCode ?? 500) >= 400) throw await this.#refusal(answer);
    return answer;
  }

  /** The connection itself, which carries a container's output from here on. */
  async hijack(call: EngineCall): Promise<Duplex> {
    const headers = { connection: "Upgrade", upgrade: "tcp" };
    return new Promise((resolve, reject) => {
      const sent = request({ ...this.#options(call), headers });
      sent.once("upgrade", (_answer, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      // Without the upgrade the engine has refused, and says why.
      sent.once("response", (answer) => this.#refusal(answer).then(reject, reject));
      sent.once("error", (error) => reject(this.#unreachable(error)));
      sent.end();
    });
  }

  /** Engines answer with several objects one after another where they tell of progress. */
  async *lines(call: EngineCall): AsyncGenerator<Record<string, unknown>> {
    const answer = await this.open(call);
    let rest = "";
    try {
      for await (const piece of answer.setEncoding("utf8")) {
        const lines = (rest + piece).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
      }
    } catch (error) {
      throw this.#unreachable(error);
    }
    if (rest.trim() !== "") yield JSON.parse(rest);
  }

  #options({ method, path, query = {}, body, signal }: EngineCall): RequestOptions {
    const place =
      "socketPath" in this.#address
        ? { socketPath: this.#address.socketPath, host: "localhost" }
        : { host: this.#address.host, port: this.#address.port };
    const search = new URLSearchParams(query).toString();
    return {
      ...place,
      method,
      path: search === "" ? path : `${path}?${search}`,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      // A connection for each call: one that the engine closes at the same moment must not fail the next call.
      agent: false,
      ...(signal === undefined ? {} : { signal }),
    };
  }

  async #read(answer: IncomingMessage): Promise<unknown> {
    let text = "";
    try {
      for await (const piece of answer.setEncoding("utf8")) text += piece;
    } catch (error) {
      throw this.#unreachable(error);
    }
    return text.trim() === "" ? undefined : JSON.parse(text);
  }

  async #refusal(answer: IncomingMessage): Promise<PlatformError> {
    const status = answer.statusCode ?? 500;
    const body = (await this.#read(answer).catch(() => undefined)) as { message?: string } | undefined;
    const message = body?.message ?? `it answered with the status ${status}`;
    const code =
      status === 404 ? "not-found" : status === 409 ? "conflict" : status < 500 ? "invalid-input" : "unavailable";
    return new PlatformError(code, `the container engine says: ${message}`, { retryable: false });
  }

  #unreachable(error: unknown): PlatformError {
    const message = `the container engine at ${this.#address.text} does not answer: ${messageOf(error)}`;
    return new PlatformError("unavailable", message, { cause: error });
  }
}
