import { readFileSync, renameSync, writeFileSync } from "node:fs";

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
      store(this.#path, this.#stored);
    }
    const turn = this.#next;
    this.#next = (turn + 1) % this.#count;
    return turn;
  }
}

/** A disk that is full holds nobody up; turns may then come again after a restart. All or nothing: a part of a number would be another turn. */
function store(path: string, turn: number): void {
  try {
    writeFileSync(`${path}.new`, String(turn), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch {}
}

function stored(path: string, count: number): number | undefined {
  try {
    const text = readFileSync(path, "utf8");
    return /^\d+$/.test(text) && Number(text) < count ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}
