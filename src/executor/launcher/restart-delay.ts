import type { Clock } from "../../foundation/clock.ts";

const firstDelayMs = 50;
const longestDelayMs = 5_000;
/** What lived so long is started again without delay. */
const provenMs = 10_000;

/** How long to wait before a process of ours that died is started again: longer each time that it died young. */
export class RestartDelay {
  readonly #clock: Clock;
  #startedAt = 0;
  #delayMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  started(): void {
    this.#startedAt = this.#clock.monotonic();
  }

  /** Milliseconds to wait, of a process that has just died. */
  next(): number {
    const lived = this.#clock.monotonic() - this.#startedAt >= provenMs;
    this.#delayMs = lived ? 0 : Math.min(Math.max(firstDelayMs, this.#delayMs * 2), longestDelayMs);
    return this.#delayMs;
  }
}
