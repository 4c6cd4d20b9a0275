import { chmodSync, closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { type ErrorCode, messageOf, PlatformError } from "./errors.ts";

export interface SqliteFileOptions {
  /** Of a file that is made now; one that exists keeps its own. */
  pageSizeBytes?: number;
}

/**
 * Opens a database file of the platform (or ":memory:"): readable by its owner only, written ahead
 * to a log, and synced at every commit, because a WAL with less may lose the last commits.
 */
export function openSqliteFile(path: string, options: SqliteFileOptions = {}): DatabaseSync {
  if (path !== ":memory:") {
    // Made before SQLite does it, so that no moment exists in which others may read it. The WAL takes its mode from it.
    closeSync(openSync(path, "a", 0o600));
    chmodSync(path, 0o600);
  }
  const database = new DatabaseSync(path, { timeout: 5000, enableForeignKeyConstraints: true });
  try {
    if (options.pageSizeBytes !== undefined) database.exec(`pragma page_size = ${options.pageSizeBytes}`);
    database.exec("pragma journal_mode = wal; pragma synchronous = full");
    // 16 MiB of log before it is copied back, which syncs twice more and holds up whoever commits just then.
    database.exec("pragma wal_autocheckpoint = 4096");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Who may use a database object now: whoever took it last. */
const owners = new WeakMap<DatabaseSync, symbol>();

/**
 * Takes a database object from its owner of before, whose open transaction is undone, as the death
 * of a process would. Answers whether the caller still has it.
 */
export function takeDatabase(database: DatabaseSync): () => boolean {
  if (database.isTransaction) database.exec("rollback");
  const owner = Symbol();
  owners.set(database, owner);
  return () => database.isOpen && owners.get(database) === owner;
}

/** Runs `work` in one transaction; when it throws nothing of it remains, even if the disk is full. */
export function inTransaction<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec("begin immediate");
  try {
    const result = work();
    database.exec("commit");
    return result;
  } catch (error) {
    // SQLite itself rolls back on some errors, a full disk among them; then there is nothing left to undo.
    if (database.isTransaction) database.exec("rollback");
    throw error;
  }
}

/** Primary result codes (https://www.sqlite.org/rescode.html) and what they mean to a caller. */
const meanings: Record<number, { code: ErrorCode; message: string }> = {
  5: { code: "unavailable", message: "database is busy" },
  6: { code: "unavailable", message: "database is locked" },
  7: { code: "unavailable", message: "database is out of memory" },
  8: { code: "unavailable", message: "database cannot be written" },
  10: { code: "unavailable", message: "disk failed to read or write" },
  11: { code: "corrupt", message: "database is damaged" },
  13: { code: "unavailable", message: "disk is full" },
  14: { code: "unavailable", message: "database cannot be opened" },
  18: { code: "limit-exceeded", message: "database cannot hold a value so large" },
  26: { code: "corrupt", message: "file is not a database" },
};

/** SQLite's errors as ours, `owner` being e.g. "the bus's"; anything else is answered as it came. */
export function translateSqliteError(error: unknown, owner: string): unknown {
  const errcode = (error as { errcode?: unknown } | null)?.errcode;
  // The low byte is the primary code, the rest says more about it.
  const meaning = typeof errcode === "number" ? meanings[errcode & 0xff] : undefined;
  if (meaning === undefined) return error;
  return new PlatformError(meaning.code, `${owner} ${meaning.message} (${messageOf(error)})`, { cause: error });
}

/**
 * Brings the tables of a file up to date: `steps[n]` leads from version n to n + 1. A file written
 * by a newer release is refused.
 */
export function migrateSqliteFile(database: DatabaseSync, steps: readonly string[], owner: string): void {
  const { user_version: version } = database.prepare("pragma user_version").get() as { user_version: number };
  if (version > steps.length) {
    throw new PlatformError(
      "conflict",
      `${owner} file has version ${version}, this release knows ${steps.length}: start the newer release again`,
    );
  }
  for (const [index, step] of steps.entries()) {
    if (index < version) continue;
    inTransaction(database, () => database.exec(`${step}; pragma user_version = ${index + 1}`));
  }
}
