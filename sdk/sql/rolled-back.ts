import type { SqlStatement } from "./sql-statements.ts";
import { hasOwnTransactions } from "./transactions.ts";

/** In milliseconds. Who waits for a lock holds up all who ask for it later: live runs, too. */
export const lockTimeout = "set local lock_timeout = 5000";

/** Functions whose doing no rollback undoes: it acts outside of the transaction, or on the server itself. */
const outside =
  /\b(setval|dblink\w*|lo_export|pg_(?:terminate|cancel)_backend|pg_(?:reload_conf|rotate_logfile\w*|promote|switch_wal|create_restore_point)|pg_file_\w+|pg_(?:create|drop|copy)_\w*replication_slot|pg_replication_\w+|pg_logical_(?:emit_message|slot_get_\w+)|pg_stat_\w*reset\w*|pg_background_\w+)\s*"?\s*\(/i;

/** Why PostgreSQL could not take back all that the file does; undefined: it can, or refuses by itself what it cannot. */
export function notRolledBack(statements: readonly SqlStatement[]): { line: number; refusal: string } | undefined {
  for (const statement of statements) {
    const refusal = refusalOf(statement);
    if (refusal !== undefined) return { line: statement.line, refusal };
  }
  return undefined;
}

function refusalOf(statement: SqlStatement): string | undefined {
  const { text, words } = statement;
  if (hasOwnTransactions([statement])) {
    return `${words[0]?.toUpperCase()} is refused in a replay, which rolls the whole file back as one transaction: a file that begins and ends transactions itself could not be`;
  }
  // Also in a body or a text that the statement runs.
  const called = outside.exec(text)?.[1];
  if (called !== undefined) return `${called} is refused in a replay: what it does cannot be rolled back`;
  const writesFile = words[0] === "copy" && words.includes("to") && !words.includes("stdout");
  if (writesFile || (words[0] === "copy" && words.includes("program"))) {
    return "COPY to a file or a program is refused in a replay: what it does cannot be rolled back";
  }
  return undefined;
}

/** By the codes of PostgreSQL: what live goes through, and must not in a replay. */
const reasons: Record<string, string> = {
  "25001": "a replay runs the whole file in a transaction, which it rolls back",
  "2D000": "a replay runs the whole file in a transaction, which it rolls back",
  "55P03": "a replay waits no longer for what others have locked",
};

export function reasonOf(error: unknown): string | undefined {
  return reasons[String((error as { code?: unknown }).code)];
}
