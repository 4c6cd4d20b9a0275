/** Where the same person sees standard output and standard error, what is said meanwhile and what comes of it share one screen. */
export interface LiveLines {
  /** Says a line, in place of the earlier one of the same key where there is one and that is still to be seen. */
  say(key: string, text: string): void;
  /** Takes away what was said, where that is possible: what is printed next tells it better. */
  clear(): void;
}

/** So many at most: the newest. */
const mostLines = 15;
/** Past so many lines of those that stay the rest is told by what follows. */
const mostStaying = 60;

/**
 * Lines that are drawn anew in their place, below what stands on the terminal. Each takes one row, whatever its width: the terminal
 * is told to cut it, and not to go on in the next row, only while it is drawn.
 */
export class DrawnLines implements LiveLines {
  readonly #out: Pick<NodeJS.WriteStream, "write" | "rows">;
  readonly #lines = new Map<string, string>();
  #shown: [key: string, text: string][] = [];

  constructor(out: Pick<NodeJS.WriteStream, "write" | "rows">) {
    this.#out = out;
  }

  say(key: string, text: string): void {
    // News of one that is out of sight are the newest.
    if (!this.#shown.some(([seen]) => seen === key)) this.#lines.delete(key);
    this.#lines.set(key, text);
    // A row stays free for the cursor: drawing in the last one would move all that stands above.
    const rows = Math.max(1, Math.min(mostLines, (this.#out.rows || mostLines + 1) - 1));
    const shown = [...this.#lines].slice(-rows);
    this.#out.write(`${this.#erase()}\x1b[?7l${shown.map(([, line]) => `${line}\n`).join("")}\x1b[?7h`);
    this.#shown = shown;
  }

  clear(): void {
    this.#out.write(this.#erase());
    this.#shown = [];
    this.#lines.clear();
  }

  #erase(): string {
    return this.#shown.length === 0 ? "" : `\x1b[${this.#shown.length}A\r\x1b[J`;
  }
}

/** Lines that stay, for a file, a pipe, and who looks at one of both streams only. */
export class StayingLines implements LiveLines {
  readonly #say: (text: string) => void;
  #count = 0;

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  say(_key: string, text: string): void {
    this.#count += 1;
    if (this.#count <= mostStaying) this.#say(text);
    else if (this.#count === mostStaying + 1) this.#say("… and more; the tree follows at the end");
  }

  clear(): void {}
}
