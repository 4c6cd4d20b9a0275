import type { Channel } from "./channel.ts";
import type { Database, Row } from "./database.ts";
import { SqlProblem } from "./problem.ts";
import { lockTimeout, notRolledBack, reasonOf } from "./rolled-back.ts";
import type { SqlStatement } from "./sql-statements.ts";
import type { Json } from "./template.ts";
import { hasOwnTransactions, strayEnd, strayEndRefused } from "./transactions.ts";
import type { Watchdog } from "./watchdog.ts";

/** Rows of a step's output, and the bytes of JSON that a step can offer to the next. */
const maxRows = 1_000;
const maxResultBytes = 4 * 1024 * 1024 - 1024;

const readingWords = new Set(["select", "values", "explain", "pragma", "show", "table"]);

export interface FileRun {
  file: string;
  database: Database;
  channel: Channel;
  watchdog: Watchdog;
  /** Nothing of it may last: what it did is taken back once it has run, whatever it is. */
  isRolledBack: boolean;
}

/**
 * Runs the statements in order, as one transaction unless they manage their own; the last rows, and whether there were more.
 * What is to be rolled back is always one: what refuses to run in a transaction is refused.
 */
export async function runFile(
  statements: readonly SqlStatement[],
  values: readonly Json[],
  run: FileRun,
): Promise<{ rows: Row[]; cut: boolean } | undefined> {
  const { database, watchdog, isRolledBack } = run;
  const stray = strayEnd(statements);
  if (stray !== undefined) throw new SqlProblem(stray.line, strayEndRefused);
  const refused = isRolledBack ? notRolledBack(statements) : undefined;
  if (refused !== undefined) throw new SqlProblem(refused.line, refused.refusal);
  // Some statements refuse to run in a transaction; alone, each is one by itself.
  const together = isRolledBack || (statements.length > 1 && !hasOwnTransactions(statements));
  const lastLine = statements.at(-1)?.line ?? 1;
  let last: Row[] | undefined;
  try {
    if (together) await database.control(statements.every(reads) ? "begin" : "begin immediate");
    if (isRolledBack) await database.control(lockTimeout);
    for (const statement of statements) {
      const { rows, changed } = await watchdog.over(statement.line, () => runOne(statement, values, run));
      if (isRolledBack && !database.inTransaction()) {
        throw new SqlProblem(
          statement.line,
          "ended the transaction in which a replay runs, and it may have stored something",
        );
      }
      last = rows ?? last;
      report(statement, rows, changed, run);
    }
    if (together) await watchdog.over(lastLine, () => (isRolledBack ? takeBack(database) : database.control("commit")));
  } catch (error) {
    if (database.inTransaction()) await database.control("rollback").catch(() => {});
    throw error;
  }
  if (database.inTransaction()) {
    await database.control("rollback");
    throw new SqlProblem(lastLine, "the file ends inside a transaction that it began; it was rolled back");
  }
  return last && cut(last);
}

/** What a commit would have checked, and failed over, is checked before. */
async function takeBack(database: Database): Promise<void> {
  await database.control("set constraints all immediate");
  await database.control("rollback");
}

function reads({ words }: SqlStatement): boolean {
  return readingWords.has(words[0] ?? "");
}

async function runOne(statement: SqlStatement, values: readonly Json[], { database, isRolledBack }: FileRun) {
  try {
    return await database.run(statement, values, maxRows + 1);
  } catch (error) {
    const { message } = error as Error;
    const reason = isRolledBack ? reasonOf(error) : undefined;
    throw new SqlProblem(statement.line, reason === undefined ? message : `${message}: ${reason}`);
  }
}

function report(
  { line, words }: SqlStatement,
  rows: Row[] | undefined,
  changed: number | undefined,
  run: FileRun,
): void {
  if (rows !== undefined || changed === undefined) return;
  const message = `${run.file}:${line}: ${words[0]}: ${changed} ${changed === 1 ? "row" : "rows"}`;
  run.channel.tell("log", { level: "info", message });
}

function cut(rows: Row[]): { rows: Row[]; cut: boolean } {
  let bytes = 2;
  let kept = 0;
  for (const row of rows.slice(0, maxRows)) {
    bytes += Buffer.byteLength(JSON.stringify(row)) + 1;
    if (bytes > maxResultBytes) break;
    kept += 1;
  }
  return { rows: rows.slice(0, kept), cut: kept < rows.length };
}
