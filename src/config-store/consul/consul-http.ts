import { PlatformError } from "../../foundation/errors.ts";
import { type HttpAnswer, HttpClient } from "../../foundation/http-client.ts";
import { readTlsFiles, type TlsFiles } from "../../foundation/tls-files.ts";

export interface ConsulConnection {
  /** `http://127.0.0.1:8500` or https. */
  url: string;
  /** ACL token. */
  token?: string | undefined;
  tls?: TlsFiles | undefined;
}

/** One entry of the KV store. */
export interface ConsulEntry {
  key: string;
  value: Buffer;
  flags: number;
  /** Changes with every write: what check-and-set compares. */
  index: number;
}

/** Consul's own limit of one value, and of the body of a transaction. */
export const maxConsulBytes = 512 * 1024;
/** Consul's limit of operations in a transaction. */
export const maxOperations = 64;

export type Operation =
  | { verb: "set" | "cas"; key: string; value: Uint8Array; flags?: number; index?: number }
  | { verb: "get" | "get-tree" | "delete-tree"; key: string };

const timeoutMs = 10_000;
/** Longer than Consul keeps a question. */
const waitMs = 90_000;

/** Consul's HTTP API, as far as the KV store needs it. */
export class ConsulHttp {
  readonly #http: HttpClient;
  /** It has taken the token once: that it knows none passes, as while a server that was started again reads its log. */
  #knowsToken = false;

  constructor({ url, token, tls }: ConsulConnection) {
    const headers = token === undefined ? undefined : { "x-consul-token": token };
    this.#http = new HttpClient({ url, name: "Consul", headers, tls: tls && readTlsFiles(tls, "Consul") });
  }

  get closed(): AbortSignal {
    return this.#http.closed;
  }

  close(): void {
    this.#http.close();
  }

  /** Undefined: there is none. */
  async get(key: string): Promise<ConsulEntry | undefined> {
    const { status, text } = await this.#call("GET", `/v1/kv/${pathOf(key)}?consistent`, undefined, [404]);
    return status === 404 ? undefined : entriesOf(text)[0];
  }

  /** Everything whose key begins so, in the order of the keys. */
  async tree(prefix: string): Promise<ConsulEntry[]> {
    const { status, text } = await this.#call("GET", `/v1/kv/${pathOf(prefix)}?recurse&consistent`, undefined, [404]);
    return status === 404 ? [] : entriesOf(text);
  }

  /** What comes next below a prefix, up to the separator `/`. */
  async names(prefix: string): Promise<string[]> {
    const query = "?keys&separator=/&consistent";
    const { status, text } = await this.#call("GET", `/v1/kv/${pathOf(prefix)}${query}`, undefined, [404]);
    return status === 404 ? [] : (JSON.parse(text) as string[]);
  }

  /** Check-and-set; an index of 0 expects that there is none. False: it is at another index. */
  async put(
    key: string,
    value: Uint8Array,
    { index, flags = 0 }: { index?: number; flags?: number } = {},
  ): Promise<boolean> {
    const check = index === undefined ? "" : `&cas=${index}`;
    const { text } = await this.#call("PUT", `/v1/kv/${pathOf(key)}?flags=${flags}${check}`, value);
    return text.trim() === "true";
  }

  async deleteTree(prefix: string): Promise<void> {
    await this.#call("DELETE", `/v1/kv/${pathOf(prefix)}?recurse`);
  }

  /** All or nothing. Undefined: one of them could not be done, because what it expects is not so. */
  async transaction(operations: readonly Operation[]): Promise<ConsulEntry[] | undefined> {
    const body = JSON.stringify(
      operations.map((operation) => ({
        KV: {
          Verb: operation.verb,
          Key: operation.key,
          ...("value" in operation && { Value: Buffer.from(operation.value).toString("base64") }),
          ...("flags" in operation && { Flags: operation.flags }),
          ...("index" in operation && { Index: operation.index }),
        },
      })),
    );
    const { status, text } = await this.#call("PUT", "/v1/txn?consistent", Buffer.from(body), [409]);
    if (status === 409) {
      // Rights that lack are told in the same way as what is not as it was expected.
      if (/permission denied|acl not found/i.test(text)) throw this.#refusal(403, text);
      return undefined;
    }
    const { Results: results } = JSON.parse(text) as { Results: { KV: RawEntry }[] | null };
    return (results ?? []).map(({ KV }) => entryOf(KV));
  }

  /**
   * Waits until something below the prefix has changed since `index`, or some time is over; answers the index to wait from
   * next. It may go backwards: what Consul held was lost or put back from a copy.
   */
  async changed(prefix: string, index: number, signal: AbortSignal): Promise<number> {
    const query = `?keys&separator=/&index=${index}&wait=60s`;
    const { headers } = await this.#call("GET", `/v1/kv/${pathOf(prefix)}${query}`, undefined, [404], signal);
    return Number(headers["x-consul-index"] ?? 0);
  }

  async #call(
    method: string,
    route: string,
    body?: Uint8Array,
    also: readonly number[] = [],
    waits?: AbortSignal,
  ): Promise<HttpAnswer> {
    const answer = await this.#http.call(method, route, { body, timeoutMs: waits ? waitMs : timeoutMs, signal: waits });
    if (answer.status < 400 || also.includes(answer.status)) {
      this.#knowsToken = true;
      return answer;
    }
    throw this.#refusal(answer.status, answer.text);
  }

  #refusal(status: number, text: string): PlatformError {
    if (status === 403 && this.#knowsToken && /acl not found/i.test(text)) {
      return new PlatformError("unavailable", `Consul at ${this.#http.url} does not know its tokens yet`);
    }
    return refusalOf(status, text, this.#http.url);
  }
}

interface RawEntry {
  Key: string;
  Value: string | null;
  Flags: number;
  ModifyIndex: number;
}

function entriesOf(text: string): ConsulEntry[] {
  return (JSON.parse(text) as RawEntry[]).map(entryOf);
}

function entryOf({ Key, Value, Flags, ModifyIndex }: RawEntry): ConsulEntry {
  return { key: Key, value: Buffer.from(Value ?? "", "base64"), flags: Flags, index: ModifyIndex };
}

/** A key is itself made of encoded names; in an address it is encoded once more. */
function pathOf(key: string): string {
  return key.split("/").map(encodeURIComponent).join("/");
}

function refusalOf(status: number, text: string, url: string): PlatformError {
  const said = text.trim().slice(0, 200);
  if (status === 403) {
    return new PlatformError(
      "forbidden",
      `Consul at ${url} refuses the token of configStore.token: it needs key_prefix write and, for restores, read (${said})`,
    );
  }
  if (status === 413)
    return new PlatformError("limit-exceeded", `Consul at ${url} takes no value of this size: ${said}`);
  return new PlatformError("unavailable", `Consul at ${url} answered ${status}: ${said}`);
}
