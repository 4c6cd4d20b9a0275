import type { Clock } from "../foundation/clock.ts";

/** What lies further back hardly counts. */
const memoryMs = 100;

/** How quickly slots come free of late. */
export class SlotPace {
  readonly #clock: Clock;
  /** Slots that came free, each by its age: after `memoryMs` one counts e times less. */
  #freed = 0;
  #at: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#at = clock.monotonic();
  }

  /** A slot has come free. */
  freed(): void {
    this.#age();
    this.#freed += 1;
  }

  /** Slots that come free in the next `ms` milliseconds if it goes on like this. */
  within(ms: number): number {
    this.#age();
    return Math.floor((this.#freed / memoryMs) * ms);
  }

  #age(): void {
    const now = this.#clock.monotonic();
    this.#freed *= Math.exp((this.#at - now) / memoryMs);
    this.#at = now;
  }
}
