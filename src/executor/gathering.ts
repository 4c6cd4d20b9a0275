import type { Clock, Timer } from "../foundation/clock.ts";

export interface GatheringParts {
  clock: Clock;
  /** Nothing waits for more where this is false. */
  isWorthwhile(): boolean;
  /** How long the first waits. */
  ms: number;
  /** So many go without waiting for more. */
  enough: number;
}

/** Has what comes at about the same time go at once, so that it is written together. */
export class Gathering {
  readonly #parts: GatheringParts;
  #waiting: (() => void)[] = [];
  #timer: Timer | undefined;

  constructor(parts: GatheringParts) {
    this.#parts = parts;
  }

  /** Resolves when it is time to go. Who hurries has the others go, too. */
  join({ hurries = false } = {}): Promise<void> {
    const { clock, isWorthwhile, ms, enough } = this.#parts;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    if (hurries || this.#waiting.length >= enough || !isWorthwhile()) this.#go();
    else this.#timer ??= clock.setTimer(ms, () => this.#go());
    return promise;
  }

  #go(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
