import type { Clock } from "../../src/foundation/clock.ts";

/** A clock that stands still until a test moves it; its timers run, in order, when it passes them. */
export class ManualClock implements Clock {
  #nowMs: number;
  #elapsedMs = 0;
  #timers: { dueMs: number; run: () => void }[] = [];

  constructor(nowMs = 1_700_000_000_000) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  setTimer(delayMs: number, run: () => void) {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), run };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  get pendingTimers(): number {
    return this.#timers.length;
  }

  advance(ms: number): void {
    const endMs = this.#elapsedMs + ms;
    for (;;) {
      const [due] = this.#timers.filter(({ dueMs }) => dueMs <= endMs).sort((left, right) => left.dueMs - right.dueMs);
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#nowMs += Math.max(0, due.dueMs - this.#elapsedMs);
      this.#elapsedMs = Math.max(this.#elapsedMs, due.dueMs);
      due.run();
    }
    this.#nowMs += endMs - this.#elapsedMs;
    this.#elapsedMs = endMs;
  }

  /** Moves the wall clock only, as an administrator or NTP would. */
  setBack(ms: number): void {
    this.#nowMs -= ms;
  }
}
