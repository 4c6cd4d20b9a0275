import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, onTestFinished } from "vitest";

/** A new empty directory for the running test, removed when the test is finished, passed or not. */
export function tempDir(): string {
  const path = make();
  onTestFinished(() => remove(path));
  return path;
}

/** A new empty directory for a whole test file (or `describe`); call it there, outside of any test. */
export function tempDirForFile(): string {
  const path = make();
  afterAll(() => remove(path));
  return path;
}

function make(): string {
  const path = mkdtempSync(join(tmpdir(), "fx-test-"));
  // As a person's directories are: scripts, which run as other users, may pass through.
  chmodSync(path, 0o711);
  return path;
}

function remove(path: string): void {
  // Retried, because a child that was just killed may still be writing.
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}
