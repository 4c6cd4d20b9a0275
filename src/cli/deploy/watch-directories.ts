import { watch } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { isAlwaysIgnored } from "./ignores.ts";

/** An editor writes a file in several steps; they are one change. */
const settleMs = 150;

/** Yields the directories in which something changed, each burst of changes once, until the process ends. */
export async function* watchDirectories(directories: readonly string[]): AsyncGenerator<ReadonlySet<string>> {
  let changed = new Set<string>();
  let wake = () => {};
  for (const directory of directories) {
    watch(directory, { recursive: true }, (_event, file) => {
      if (file?.split(/[\\/]/).some(isAlwaysIgnored)) return;
      changed.add(directory);
      wake();
    });
  }
  for (;;) {
    if (changed.size === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    await pause(settleMs);
    const batch = changed;
    changed = new Set();
    yield batch;
  }
}
