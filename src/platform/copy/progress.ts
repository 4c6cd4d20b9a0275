import type { Clock } from "../../foundation/clock.ts";

/** Tells how far something has come, and not more often than a person reads. */
export class Progress {
  readonly #clock: Clock;
  readonly #tell: (line: string) => void;
  #toldAt: number;

  constructor(clock: Clock, tell: (line: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
    this.#toldAt = clock.monotonic();
  }

  /** What is begun or done: told always. */
  step(line: string): void {
    this.#toldAt = this.#clock.monotonic();
    this.#tell(line);
  }

  /** Told where nothing was for a while. */
  reached(what: string, count: number): void {
    if (this.#clock.monotonic() - this.#toldAt >= everyMs) this.step(`  ${what}: ${count}`);
  }
}

const everyMs = 2000;
