import { messageOf } from "../foundation/errors.ts";
import type { Log } from "../foundation/log.ts";
import type { SignalChannel } from "./bus.ts";

/** Wake-ups within one process. Signals of one turn reach each listener once, after the turn. */
export class Signals {
  readonly #listeners = new Map<SignalChannel, Set<() => void>>();
  readonly #raised = new Set<SignalChannel>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  raise(channel: SignalChannel): void {
    if (this.#raised.size === 0) queueMicrotask(() => this.#deliver());
    this.#raised.add(channel);
  }

  listen(channel: SignalChannel, listener: () => void): () => void {
    // Wrapped, so that the same function may listen twice.
    const entry = () => listener();
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(entry));
    return () => void listeners.delete(entry);
  }

  clear(): void {
    this.#listeners.clear();
  }

  #deliver(): void {
    const raised = [...this.#raised];
    this.#raised.clear();
    for (const channel of raised) {
      for (const listener of [...(this.#listeners.get(channel) ?? [])]) {
        try {
          listener();
        } catch (error) {
          this.#log.error({ channel, error: messageOf(error) }, "a listener of a signal failed");
        }
      }
    }
  }
}
