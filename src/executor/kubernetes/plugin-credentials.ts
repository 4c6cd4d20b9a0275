import type { Clock } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import { askPlugin, type CredentialPlugin, type PluginCredential } from "./credential-plugin.ts";

/** One run of a plugin. */
interface Asking {
  promise: Promise<PluginCredential>;
  /** Ends the plugin. */
  abort(): void;
  /** How many wait for it. */
  waiting: number;
  answer: PluginCredential | undefined;
}

/**
 * What credential plugins gave, until it expires or is dropped. Who asks while a plugin runs waits for its answer; once nobody waits any
 * more it is ended, and who asks later asks anew.
 */
export class PluginCredentials {
  readonly #environment: Readonly<Record<string, string>>;
  readonly #clock: Clock;
  readonly #asked = new Map<string, Asking>();

  /** `environment`: of the programs. */
  constructor(environment: Readonly<Record<string, string>>, clock: Clock) {
    this.#environment = environment;
    this.#clock = clock;
  }

  /** Rejects as soon as `signal` aborts. */
  async of(plugin: CredentialPlugin, signal?: AbortSignal): Promise<PluginCredential> {
    const key = JSON.stringify(plugin);
    const known = this.#asked.get(key);
    if (known === undefined) return this.#wait(key, this.#ask(key, plugin), signal);
    const credential = await this.#wait(key, known, signal);
    if (!this.isOver(credential)) return credential;
    this.#forget(key, known);
    return this.of(plugin, signal);
  }

  isOver({ expiresAt = Infinity }: PluginCredential): boolean {
    return expiresAt <= this.#clock.now();
  }

  /** The cluster does not take it any more; one that was given since stays. */
  drop(credential: PluginCredential): void {
    for (const [key, { answer }] of this.#asked) {
      if (answer === credential) this.#asked.delete(key);
    }
  }

  #ask(key: string, plugin: CredentialPlugin): Asking {
    const given = new AbortController();
    const promise = askPlugin(plugin, this.#environment, { signal: given.signal });
    const asking: Asking = { promise, abort: () => given.abort(), waiting: 0, answer: undefined };
    this.#asked.set(key, asking);
    promise.then(
      (answer) => {
        asking.answer = answer;
      },
      () => this.#forget(key, asking),
    );
    return asking;
  }

  async #wait(key: string, asking: Asking, signal: AbortSignal | undefined): Promise<PluginCredential> {
    asking.waiting += 1;
    try {
      return await unlessAborted(asking.promise, signal);
    } finally {
      asking.waiting -= 1;
      if (asking.waiting === 0 && asking.answer === undefined) {
        this.#forget(key, asking);
        asking.abort();
      }
    }
  }

  #forget(key: string, asking: Asking): void {
    if (this.#asked.get(key) === asking) this.#asked.delete(key);
  }
}

function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new PlatformError("unavailable", "the credentials are not needed any more"));
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal?.removeEventListener("abort", abort));
  });
}
