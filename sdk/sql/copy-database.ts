import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { SqlProblem } from "./problem.ts";

/** Pages a step of the backup copies: all, so that it is one moment of the database, whoever writes meanwhile. */
const allPages = 2 ** 31 - 1;

/** One for each database of each attempt: what an attempt that was lost has done is not there for the next. */
export function copyName(execution: string, attempt: number, path: string): string {
  return `${execution}-${attempt}-${createHash("sha256").update(path).digest("hex").slice(0, 16)}`;
}

/**
 * The path of this replay's own copy of the SQLite database at `path`, in `directory`; made by the first of its steps that wants it,
 * so that later ones find what earlier ones did. Reads the database, and waits for nobody: with a write-ahead log neither holds the
 * other up. What is not there yet is not made.
 */
export async function copyDatabase(path: string, directory: string, name: string): Promise<string> {
  const copy = join(directory, `${name}.db`);
  if (existsSync(copy) || !existsSync(path)) return copy;
  requireRoom(path, directory);
  // The next step has another user, and SQLite gives journal files the mode of their database.
  process.umask(0o007);
  closeSync(openSync(copy, "a", 0o660));
  const source = new DatabaseSync(path, { readOnly: true });
  try {
    await backup(source, copy, { rate: allPages });
  } finally {
    source.close();
  }
  return copy;
}

/** Several replays at once must not fill the disk that the platform lives on. */
function requireRoom(path: string, directory: string): void {
  const { bavail, bsize } = statfsSync(directory);
  const roomBytes = bavail * bsize;
  const sizeBytes = [path, `${path}-wal`].reduce(
    (sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  if (sizeBytes * 2 <= roomBytes) return;
  throw new SqlProblem(
    1,
    `a replay works on a copy of its database, which has ${sizeBytes} bytes, and the run directory has room for ${roomBytes}; a copy may take half of that`,
  );
}
