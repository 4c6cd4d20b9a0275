import { type FSWatcher, watch } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { isAlwaysIgnored } from "./ignores.ts";

/** An editor writes a file in several steps; they are one change. */
const settleMs = 150;

/**
 * Gives the directories in which something changed since it was made, each burst of changes once. What changes while nobody asks is
 * kept. Until it is closed it keeps the process alive.
 */
export class DirectoryWatch implements AsyncIterable<ReadonlySet<string>> {
  readonly #watchers: FSWatcher[];
  #changed = new Set<string>();
  #wake = () => {};

  constructor(directories: readonly string[]) {
    this.#watchers = directories.map((directory) =>
      watch(directory, { recursive: true }, (_event, file) => {
        if (file?.split(/[\\/]/).some(isAlwaysIgnored)) return;
        this.#changed.add(directory);
        this.#wake();
      }),
    );
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ReadonlySet<string>> {
    for (;;) {
      if (this.#changed.size === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      await pause(settleMs);
      const batch = this.#changed;
      this.#changed = new Set();
      yield batch;
    }
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
  }
}
