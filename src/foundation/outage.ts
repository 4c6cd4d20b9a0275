import type { Clock } from "./clock.ts";
import { messageOf } from "./errors.ts";
import type { Log } from "./log.ts";

export interface OutageParts {
  clock: Clock;
  log: Log;
  /** What the log says at its begin and its end: "could not commit offsets", "commits offsets again". */
  fails: string;
  works: string;
  /** Of every line about it. */
  facts?: Readonly<Record<string, unknown>>;
  /** It is over once it has worked for so long without a failure: what comes and goes is one outage. */
  steadyMs?: number;
}

/** Something that fails for a while: told once when it begins and once when it is over, however often it is tried meanwhile. */
export class Outage {
  readonly #parts: OutageParts;
  /** By the monotonic clock. */
  #since: number | undefined;
  #workedSince: number | undefined;
  #failures = 0;

  constructor(parts: OutageParts) {
    this.#parts = parts;
  }

  failed(error: unknown): void {
    const { clock, log, fails, facts } = this.#parts;
    this.#failures += 1;
    this.#workedSince = undefined;
    if (this.#since !== undefined) return;
    this.#since = clock.monotonic();
    log.warn({ ...facts, error: messageOf(error) }, fails);
  }

  worked(): void {
    if (this.#since === undefined) return;
    const { clock, log, works, facts, steadyMs = 0 } = this.#parts;
    const now = clock.monotonic();
    this.#workedSince ??= now;
    if (now - this.#workedSince < steadyMs) return;
    const seconds = Math.round((this.#workedSince - this.#since) / 1000);
    log.info({ ...facts, failures: this.#failures, seconds }, works);
    this.#since = undefined;
    this.#workedSince = undefined;
    this.#failures = 0;
  }
}
