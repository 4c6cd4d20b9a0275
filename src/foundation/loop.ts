import { InvariantError } from "./assert.ts";
import type { Clock } from "./clock.ts";
import { sleep } from "./clock.ts";
import type { Log } from "./log.ts";
import { Outage } from "./outage.ts";
import { pauseAfter } from "./pause-after.ts";

const steadyMs = 5000;

/**
 * A part's main loop: does its work again whenever it is woken or `idleMs` have passed. Work that
 * throws is logged once, until it works again, and tried again after a pause that doubles up to `maxPauseMs`.
 */
export class Loop {
  readonly #options: LoopOptions;
  readonly #stopping = new AbortController();
  #wake: AbortController = new AbortController();
  #done: Promise<void> | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#done ??= this.#run();
  }

  /** Runs the work soon; calls while it runs are remembered as one. */
  wake(): void {
    // Any reason: without one an error is made at each wake-up, with its stack.
    this.#wake.abort(true);
  }

  /** Resolves when the work under way has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { clock, idleMs, lingerMs = 0, work, log, name } = this.#options;
    const told = { fails: "failed, will try again", works: "works again", facts: { loop: name } };
    // One that seldom runs is believed at once.
    const outage = new Outage({ clock, log, ...told, steadyMs: idleMs < steadyMs ? steadyMs : 0 });
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      this.#wake = new AbortController();
      let pauseMs = idleMs;
      try {
        await work(this.#stopping.signal);
        outage.worked();
        failures = 0;
      } catch (error) {
        if (error instanceof InvariantError) throw error;
        failures += 1;
        pauseMs = pauseAfter(failures - 1, { unitMs: 50, mostMs: this.#options.maxPauseMs ?? 5000 });
        outage.failed(error);
        // A wake-up must not turn a failing loop into a busy one.
        await sleep(clock, pauseMs, this.#stopping.signal);
        continue;
      }
      await sleep(clock, pauseMs, this.#wake.signal);
      if (lingerMs > 0) await sleep(clock, lingerMs, this.#stopping.signal);
    }
  }
}

export interface LoopOptions {
  name: string;
  clock: Clock;
  log: Log;
  /** Longest time without a run: signals are hints and may be lost. */
  idleMs: number;
  /** From a wake-up to the run: what is urgent goes first, and what comes meanwhile is done together. */
  lingerMs?: number;
  maxPauseMs?: number;
  work(stopping: AbortSignal): Promise<void>;
}
