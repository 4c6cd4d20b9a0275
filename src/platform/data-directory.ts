import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isPlatformError, messageOf, PlatformError } from "../foundation/errors.ts";
import { makeDirectorySync } from "../foundation/make-directory.ts";

export interface DataDirectory {
  path: string;
  file(name: string): string;
  release(): void;
}

/**
 * Makes the data directory where it is missing and takes it for this process alone (rule D20). The
 * lock is the operating system's, held through an open SQLite transaction: it ends with the process,
 * however that ends. Throws `conflict` naming the process that holds it.
 */
export function openDataDirectory(directory: string): DataDirectory {
  const root = path.resolve(directory);
  try {
    makeDirectorySync(root);
    // Traversable but not listable: scripts run as other users and read their own files below it (rule S3).
    chmodSync(root, 0o711);
  } catch (error) {
    if (isPlatformError(error)) {
      throw new PlatformError(error.code, `${error.message}; choose another data directory (FX_DATA_DIR)`, {
        cause: error,
      });
    }
    throw new PlatformError(
      "invalid-input",
      `the data directory ${root} cannot be made or changed: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
  const lock = takeLock(root);
  return { path: root, file: (name) => path.join(root, name), release: () => lock.close() };
}

function takeLock(root: string): DatabaseSync {
  const holder = path.join(root, "pid");
  const lock = new DatabaseSync(path.join(root, "lock"), { timeout: 0 });
  try {
    chmodSync(path.join(root, "lock"), 0o600);
    lock.exec("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    const message = `the data directory ${root} is in use by ${describeHolder(holder)}: stop that one, or choose another directory (FX_DATA_DIR)`;
    throw new PlatformError("conflict", message, { cause: error });
  }
  writeFileSync(holder, `${process.pid}\n`, { mode: 0o600 });
  return lock;
}

function describeHolder(file: string): string {
  try {
    return `process ${readFileSync(file, "utf8").trim()}`;
  } catch {
    return "another process";
  }
}
