import { type Clock, sleep } from "./clock.ts";
import { isPlatformError } from "./errors.ts";
import type { Log } from "./log.ts";
import { pauseAfter } from "./pause-after.ts";

export interface PersistenceParts {
  clock: Clock;
  log: Log;
  /** Ends the repeating. */
  stopping: AbortSignal;
}

const pause = { unitMs: 20, mostMs: 5000 };
/** What passes sooner is nobody's trouble. */
const troubleAfterMs = 5000;

/** Repeats what fails for a passing reason until it is done, and tells the log once that it fails and once that it does no more. */
export class Persistence {
  readonly #parts: PersistenceParts;
  /** By what cannot be done. */
  readonly #failing = new Map<string, { since: number; text: string }>();

  constructor(parts: PersistenceParts) {
    this.#parts = parts;
  }

  /** What it cannot do for some time now, and why; undefined: it works. */
  get trouble(): string | undefined {
    const longAgo = this.#parts.clock.monotonic() - troubleAfterMs;
    return [...this.#failing.values()].find(({ since }) => since <= longAgo)?.text;
  }

  /**
   * `what`: "read the bus". Undefined once it is stopped after a failure; a failure that does not pass is thrown. `waits`: it may
   * wait for long when all is well, as reading does; so nobody can tell when it is over that it failed, and it is no trouble.
   */
  async run<Result>(
    what: string,
    work: () => Promise<Result>,
    { waits = false } = {},
  ): Promise<{ result: Result } | undefined> {
    const { clock, log, stopping } = this.#parts;
    for (let failures = 0; ; failures += 1) {
      try {
        const result = await work();
        this.#failing.delete(what);
        if (failures > 0) log.info({ failures }, `could ${what} again`);
        return { result };
      } catch (error) {
        if (!isPlatformError(error) || !error.retryable) {
          this.#failing.delete(what);
          throw error;
        }
        const text = `could not ${what}`;
        if (failures === 0) {
          if (!waits) this.#failing.set(what, { since: clock.monotonic(), text: `${text}: ${error.message}` });
          log.warn({ error: error.message }, `${text}, will try again`);
        }
        await sleep(clock, pauseAfter(failures, pause), stopping);
        if (stopping.aborted) return undefined;
      }
    }
  }
}
