import { chmodSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { type Clock, sleep } from "./clock.ts";
import { PlatformError } from "./errors.ts";
import { translateSqliteError } from "./sqlite-file.ts";

const pollMs = 50;

export interface FileLock {
  path: string;
  clock: Clock;
  /** Ends the wait, with `unavailable`; not the work. */
  signal?: AbortSignal | undefined;
  /** Called once, where another holds it. */
  onWait?: (() => void) | undefined;
}

/**
 * Runs `work` while no other process, and no other caller of this one, runs theirs under the same file. The lock is
 * the operating system's, held through an open SQLite transaction: it ends with the process, however that ends.
 */
export async function withFileLock<Result>(
  { path, clock, signal, onWait }: FileLock,
  work: () => Promise<Result>,
): Promise<Result> {
  const lock = new DatabaseSync(path, { timeout: 0 });
  try {
    chmodSync(path, 0o600);
    for (let looks = 0; !isTaken(lock); looks += 1) {
      if (looks === 0) onWait?.();
      await sleep(clock, pollMs, signal);
      if (signal?.aborted) throw new PlatformError("unavailable", "the wait for a lock was given up");
    }
    return await work();
  } finally {
    lock.close();
  }
}

/** Takes the lock of a file, for as long as this process lives or until it is released; undefined: another holds it. */
export function tryFileLock(path: string): { release(): void } | undefined {
  const lock = new DatabaseSync(path, { timeout: 0 });
  try {
    chmodSync(path, 0o600);
    if (isTaken(lock)) return { release: () => lock.close() };
  } catch (error) {
    lock.close();
    throw error;
  }
  lock.close();
  return undefined;
}

function isTaken(lock: DatabaseSync): boolean {
  try {
    lock.exec("pragma journal_mode = delete; begin exclusive");
    return true;
  } catch (error) {
    // Busy: another holds it. Whatever else is wrong will not pass by waiting.
    if ((error as { errcode?: number }).errcode === 5) return false;
    throw translateSqliteError(error, "the lock's");
  }
}
