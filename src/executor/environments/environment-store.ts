import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../foundation/clock.ts";
import { withFileLock } from "../../foundation/file-lock.ts";
import type { VersionId } from "../../foundation/ids.ts";
import { makeDirectory } from "../../foundation/make-directory.ts";
import { isEnvironmentKey } from "./environment-key.ts";

/** The last thing that is written of an environment. Its time is that of the last use. */
const readyFile = "ready.json";
const versionsDirectory = "versions";
/** How exactly the last use is known to later starts. */
const touchEveryMs = 3_600_000;
/** Longer than the longest script: nothing runs in an environment that nobody has opened for so long. */
export const graceMs = 25 * 3_600_000;

/**
 * The directory of environments. One is ready or it is not there: a file written last makes it ready, and what lacks it
 * is removed before the next try. It is made where it stays, not renamed: programs of packages hold their own path.
 */
export class EnvironmentStore {
  readonly path: string;
  readonly #clock: Clock;
  readonly #usedAt = new Map<string, number>();
  readonly #touchedAt = new Map<string, number>();

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.#clock = clock;
  }

  directoryOf(key: string): string {
    return join(this.path, key);
  }

  isReady(key: string): boolean {
    return existsSync(join(this.path, key, readyFile));
  }

  /**
   * Makes an environment. One is made at a time, by all processes that share the directory: `install` may find that
   * another was first. When it rejects, nothing of it stays. `onWait` is called where another one is being made.
   */
  async make(
    key: string,
    install: (directory: string) => Promise<void>,
    { signal, onWait }: { signal?: AbortSignal; onWait?: () => void } = {},
  ): Promise<void> {
    await makeDirectory(this.path, 0o711);
    await chmod(this.path, 0o711);
    await withFileLock({ path: join(this.path, "lock"), clock: this.#clock, signal, onWait }, async () => {
      if (this.isReady(key)) return;
      const directory = this.directoryOf(key);
      await rm(directory, { recursive: true, force: true });
      try {
        await mkdir(directory, { mode: 0o755 });
        await install(directory);
        await mkdir(join(directory, versionsDirectory), { mode: 0o700 });
        const written = join(directory, `${readyFile}.new`);
        await writeFile(written, "{}\n");
        await this.#stamp(written);
        await rename(written, join(directory, readyFile));
      } catch (error) {
        await rm(directory, { recursive: true, force: true });
        throw error;
      }
    });
  }

  /** Notes that a version runs in it. Cheap when it was noted before. */
  async use(key: string, version: VersionId): Promise<void> {
    const now = this.#clock.now();
    this.#usedAt.set(key, now);
    const use = `${key} ${version}`;
    if (now - (this.#touchedAt.get(use) ?? Number.NEGATIVE_INFINITY) < touchEveryMs) return;
    this.#touchedAt.set(use, now);
    // Only for the prune: no run fails for want of it.
    await writeFile(join(this.directoryOf(key), versionsDirectory, version), "")
      .then(() => this.#stamp(join(this.directoryOf(key), readyFile)))
      .catch(() => {});
  }

  /**
   * Removes environments that ran nothing for `unusedMs`, those that no stored version needs, and what a killed process left half made.
   * Answers how many.
   */
  async prune(isStored: (version: VersionId) => Promise<boolean>, unusedMs: number): Promise<number> {
    let removed = 0;
    if (!existsSync(this.path)) return removed;
    await withFileLock({ path: join(this.path, "lock"), clock: this.#clock }, async () => {
      for (const key of await readdir(this.path)) {
        if (!isEnvironmentKey(key)) continue;
        if (this.isReady(key) && !(await this.#isOver(key, isStored, unusedMs))) continue;
        // First it stops being ready: a prune that is cut short leaves nothing that looks whole.
        await rm(join(this.directoryOf(key), readyFile), { force: true });
        await rm(this.directoryOf(key), { recursive: true, force: true });
        removed += 1;
      }
    });
    return removed;
  }

  async #isOver(key: string, isStored: (version: VersionId) => Promise<boolean>, unusedMs: number): Promise<boolean> {
    const { mtimeMs } = await stat(join(this.directoryOf(key), readyFile));
    const restMs = this.#clock.now() - Math.max(mtimeMs, this.#usedAt.get(key) ?? 0);
    if (restMs < graceMs) return false;
    if (restMs >= unusedMs) return true;
    for (const version of await readdir(join(this.directoryOf(key), versionsDirectory))) {
      if (await isStored(version as VersionId)) return false;
    }
    return true;
  }

  async #stamp(file: string): Promise<void> {
    const seconds = this.#clock.now() / 1000;
    await utimes(file, seconds, seconds);
  }
}
