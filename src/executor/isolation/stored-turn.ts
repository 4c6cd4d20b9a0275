import { readFileSync, writeFileSync } from "node:fs";

/** Kept ahead, so that only every so many turns are written. */
const aheadMost = 4096;

/**
 * Counts round and round below `count`, and goes on over restarts: what a process may have had of it, no later one has before
 * all the others. The file is this process's alone.
 */
export class StoredTurn {
  readonly #path: string;
  readonly #count: number;
  readonly #ahead: number;
  #next: number;
  #stored: number;

  /** `otherwise`: where to begin when there is no file that says it. */
  constructor(path: string, count: number, otherwise: number) {
    this.#path = path;
    this.#count = count;
    this.#ahead = Math.min(aheadMost, Math.ceil(count / 16));
    this.#next = stored(path, count) ?? otherwise;
    this.#stored = this.#next;
  }

  next(): number {
    if (this.#next === this.#stored) {
      this.#stored = (this.#next + this.#ahead) % this.#count;
      writeFileSync(this.#path, String(this.#stored), { mode: 0o600 });
    }
    const turn = this.#next;
    this.#next = (turn + 1) % this.#count;
    return turn;
  }
}

function stored(path: string, count: number): number | undefined {
  try {
    const turn = Number(readFileSync(path, "utf8"));
    return Number.isInteger(turn) && turn >= 0 && turn < count ? turn : undefined;
  } catch {
    return undefined;
  }
}
