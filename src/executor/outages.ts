import { messageOf } from "../foundation/errors.ts";
import type { Log } from "../foundation/log.ts";

/** Tells the log once when runs begin to wait for an engine, however many do, and once when none waits any more. */
export class Outages {
  readonly #log: Log;
  #waiting = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  began(error: unknown): void {
    this.#waiting += 1;
    if (this.#waiting === 1) this.#log.warn({ error: messageOf(error) }, "runs wait for an engine that is away");
  }

  ended(): void {
    this.#waiting -= 1;
    if (this.#waiting === 0) this.#log.info({}, "runs wait for no engine any more");
  }
}
