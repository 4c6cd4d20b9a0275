import { InvariantError } from "./assert.ts";
import type { Clock } from "./clock.ts";
import { sleep } from "./clock.ts";
import { messageOf } from "./errors.ts";
import type { Log } from "./log.ts";
import { pauseAfter } from "./pause-after.ts";

/**
 * A part's main loop: does its work again whenever it is woken or `idleMs` have passed. Work that
 * throws is logged once per message and tried again after a pause that doubles up to `maxPauseMs`.
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
    let failures = 0;
    let lastMessage: string | undefined;
    while (!this.#stopping.signal.aborted) {
      this.#wake = new AbortController();
      let pauseMs = idleMs;
      try {
        await work(this.#stopping.signal);
        if (failures > 0) log.info({ loop: name, failures }, "works again");
        failures = 0;
        lastMessage = undefined;
      } catch (error) {
        if (error instanceof InvariantError) throw error;
        failures += 1;
        pauseMs = pauseAfter(failures - 1, { unitMs: 50, mostMs: this.#options.maxPauseMs ?? 5000 });
        if (messageOf(error) !== lastMessage)
          log.warn({ loop: name, error: messageOf(error) }, "failed, will try again");
        lastMessage = messageOf(error);
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
