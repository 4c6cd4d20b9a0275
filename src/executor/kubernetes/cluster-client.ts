import { type IncomingMessage, request as plain } from "node:http";
import { request as secure } from "node:https";
import { type ErrorCode, isPlatformError, messageOf, PlatformError } from "../../foundation/errors.ts";
import type { ClusterAccess } from "./cluster-access.ts";

export interface ClusterCall {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  query?: Record<string, string>;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

const codes: Record<number, ErrorCode> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not-found",
  409: "conflict",
};

/**
 * The few calls of a cluster's API that Jobs need. Throws a retryable `unavailable` when it does not answer or is
 * overloaded; its refusals are not retryable and tell its own words.
 */
export class ClusterClient {
  readonly #access: ClusterAccess;

  constructor(access: ClusterAccess) {
    this.#access = access;
  }

  async json<Body>(call: ClusterCall): Promise<Body> {
    const answer = await this.open(call);
    let text = "";
    try {
      for await (const piece of answer.setEncoding("utf8")) text += piece;
    } catch (error) {
      throw this.#unreachable(error);
    }
    return JSON.parse(text) as Body;
  }

  /** As `json`; undefined where there is no such thing. */
  async find<Body>(call: ClusterCall): Promise<Body | undefined> {
    try {
      return await this.json<Body>(call);
    } catch (error) {
      if (isPlatformError(error, "not-found")) return undefined;
      throw error;
    }
  }

  /** The answer, once its head is there; its body is read by the caller. */
  async open({ method, path, query = {}, body, signal }: ClusterCall): Promise<IncomingMessage> {
    const { url, token, tls } = this.#access;
    const search = new URLSearchParams(query).toString();
    const target = new URL(url.pathname.replace(/\/$/, "") + path + (search === "" ? "" : `?${search}`), url);
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      accept: "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(text === undefined
        ? {}
        : {
            "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
            // Node says it of itself for POST and PATCH only.
            "content-length": Buffer.byteLength(text),
          }),
    };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { method, headers, agent: false, ...tls, ...(signal === undefined ? {} : { signal }) };
      const sent = (target.protocol === "http:" ? plain : secure)(target, options, resolve);
      sent.once("error", (error) => reject(this.#unreachable(error)));
      sent.end(text);
    });
    const status = answer.statusCode ?? 500;
    if (status < 400) return answer;
    let said = "";
    for await (const piece of answer.setEncoding("utf8")) said += piece;
    const isBusy = status >= 500 || status === 429;
    const code = isBusy ? "unavailable" : (codes[status] ?? "invalid-input");
    throw new PlatformError(code, `the cluster says: ${messageIn(said) ?? `status ${status}`}`, { retryable: isBusy });
  }

  #unreachable(error: unknown): PlatformError {
    const message = `the cluster at ${this.#access.url.origin} does not answer: ${messageOf(error)}`;
    return new PlatformError("unavailable", message, { cause: error });
  }
}

function messageIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string }).message;
  } catch {
    return text.trim().slice(0, 500) || undefined;
  }
}
