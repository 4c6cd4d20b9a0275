import { type Clock, sleep } from "../../foundation/clock.ts";
import type { SearchServer } from "./search-server.ts";

/** Refreshes cost the server much: what is written in between shares one. */
const everyMs = 100;

/** Makes what was written visible to searches, at most ten times a second. */
export class Refresher {
  readonly #server: SearchServer;
  readonly #clock: Clock;
  #wanted = new Set<string>();
  #next: Promise<void> | undefined;
  #refreshedAt = Number.NEGATIVE_INFINITY;

  constructor(server: SearchServer, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
  }

  /** Resolves once searches see all that was written to these indices before the call. */
  async refresh(indices: Iterable<string>): Promise<void> {
    for (const index of indices) this.#wanted.add(index);
    if (this.#wanted.size === 0) return;
    this.#next ??= this.#run();
    await this.#next;
  }

  async #run(): Promise<void> {
    await sleep(this.#clock, Math.max(0, this.#refreshedAt + everyMs - this.#clock.monotonic()));
    const indices = [...this.#wanted];
    this.#wanted = new Set();
    // Who comes from here on may have written after the server has begun.
    this.#next = undefined;
    this.#refreshedAt = this.#clock.monotonic();
    await this.#server.ask("POST", `/${indices.join(",")}/_refresh?ignore_unavailable=true`);
  }
}
