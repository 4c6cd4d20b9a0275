import type { Clock, Timer } from "../../foundation/clock.ts";
import { processorMs } from "../launcher/tree-usage.ts";

const firstLookMs = 1_000;
const lookMs = 10_000;
/** What an interpreter may do by itself between two looks, such as a collection of its garbage. */
const idleUseMs = 200;

/**
 * Watches a process that has no run. One that computes all the same, or whose children do, has said of a run that it was over
 * while it was not: no time and no limit of a run would ever end it. `busy` is called once, and then it is watched no more.
 */
export class IdleWatch implements Timer {
  readonly #clock: Clock;
  readonly #pid: number;
  readonly #busy: () => void;
  #usedMs: number;
  #timer: Timer;

  constructor(clock: Clock, pid: number, busy: () => void) {
    this.#clock = clock;
    this.#pid = pid;
    this.#busy = busy;
    this.#usedMs = processorMs(pid);
    this.#timer = clock.setTimer(firstLookMs, () => this.#look());
  }

  cancel(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const usedMs = processorMs(this.#pid);
    if (usedMs - this.#usedMs > idleUseMs) {
      this.#busy();
      return;
    }
    this.#usedMs = usedMs;
    this.#timer = this.#clock.setTimer(lookMs, () => this.#look());
  }
}
