import { DatabaseSync } from "node:sqlite";
import { SqlProblem } from "./problem.ts";
import type { SqlStatement } from "./sql-statements.ts";

/** Whether a template's sketch is what will run, but for its values: it has no branches, and nothing but values is put in. */
export function isPlainTemplate(source: string): boolean {
  return !/\{%|\|\s*(?:list|identifier)\b/.test(source);
}

/** Throws SqlProblem where SQLite cannot read a statement, whatever tables there will be. */
export function requireSyntax(statements: readonly SqlStatement[]): void {
  const database = new DatabaseSync(":memory:", { enableDoubleQuotedStringLiterals: false });
  try {
    for (const { text, line } of statements) {
      try {
        database.prepare(text);
      } catch (error) {
        const { message } = error as Error;
        if (/syntax error|incomplete input|unrecognized token/.test(message)) throw new SqlProblem(line, message);
      }
    }
  } finally {
    database.close();
  }
}
