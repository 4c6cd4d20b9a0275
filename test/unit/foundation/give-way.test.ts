import { describe, expect, test } from "vitest";
import type { Clock } from "../../../src/foundation/clock.ts";
import { giveWay } from "../../../src/foundation/give-way.ts";

/** A thread on which each millisecond of waiting takes `slowdown` milliseconds, all of them work of others where `busy`. */
class SharedThread {
  nowMs = 0;
  idleMs = 0;
  readonly #slowdown: number;
  readonly #busy: boolean;

  constructor({ slowdown, busy }: { slowdown: number; busy: boolean }) {
    this.#slowdown = slowdown;
    this.#busy = busy;
  }

  get clock(): Clock {
    return {
      now: () => this.nowMs,
      monotonic: () => this.nowMs,
      setTimer: (delayMs, run) => {
        this.nowMs += delayMs * this.#slowdown;
        if (!this.#busy) this.idleMs += delayMs * this.#slowdown;
        queueMicrotask(run);
        return { cancel: () => {} };
      },
    };
  }

  async giveWay(workedMs: number, { signal = new AbortController().signal, share = 3 } = {}): Promise<number> {
    const began = this.nowMs;
    await giveWay({ clock: this.clock, idleTime: () => this.idleMs, share }, workedMs, signal);
    return this.nowMs - began;
  }
}

describe("giving way", () => {
  test("a short batch holds nobody up and gives nothing", async () => {
    expect(await new SharedThread({ slowdown: 5, busy: true }).giveWay(2)).toBe(0);
  });

  test("on a thread with nothing else to do it ends at the first look", async () => {
    expect(await new SharedThread({ slowdown: 1, busy: false }).giveWay(50)).toBeLessThan(5);
  });

  test("on a busy thread others get some times as long as the batch took", async () => {
    const given = await new SharedThread({ slowdown: 5, busy: true }).giveWay(20);
    expect(given).toBeGreaterThanOrEqual(40);
    expect(given).toBeLessThan(100);
  });

  test("who asks for a smaller part of the thread gets it", async () => {
    const given = await new SharedThread({ slowdown: 5, busy: true }).giveWay(5, { share: 20 });
    expect(given).toBeGreaterThanOrEqual(100);
    expect(given).toBeLessThan(150);
  });

  test("routing never stands still, however long the batch took", async () => {
    expect(await new SharedThread({ slowdown: 5, busy: true }).giveWay(100_000)).toBeLessThan(1000);
  });

  test("a stop ends it", async () => {
    const given = await new SharedThread({ slowdown: 5, busy: true }).giveWay(50, { signal: AbortSignal.abort() });
    expect(given).toBe(0);
  });
});
