import type { SqlStatement } from "./sql-statements.ts";

const beginnings = new Set(["begin", "start", "savepoint"]);
const ends = new Set(["commit", "end", "rollback", "abort", "release"]);

/** Whether a file says itself where its transactions begin; any other is one transaction as a whole. */
export function hasOwnTransactions(statements: readonly SqlStatement[]): boolean {
  return statements.some(({ words }) => beginnings.has(words[0] ?? ""));
}

/**
 * The statement that ends a transaction before the file begins one. What stands before it would be stored
 * each by itself, and this one could end nothing.
 */
export function strayEnd(statements: readonly SqlStatement[]): SqlStatement | undefined {
  const first = statements.find(({ words }) => beginnings.has(words[0] ?? "") || isEnd(words));
  return first && isEnd(first.words) ? first : undefined;
}

export const strayEndRefused =
  "ends a transaction that the file did not begin; without BEGIN all statements of a file are one transaction";

/** PREPARE names a statement as well; only with TRANSACTION it ends one. */
function isEnd([first = "", second]: readonly string[]): boolean {
  return ends.has(first) || (first === "prepare" && second === "transaction");
}
