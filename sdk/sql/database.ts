import type { lockTimeout } from "./rolled-back.ts";
import type { SqlStatement } from "./sql-statements.ts";
import type { Json } from "./template.ts";

/** An open database, for the statements of one file. */
export interface Database {
  /**
   * Runs one statement to its end. Reads at most `maxRows` rows of what it returns.
   * `rows` is undefined where it returns none by its nature.
   */
  run(statement: SqlStatement, values: readonly Json[], maxRows: number): Promise<StatementResult>;
  /** Words that control a transaction; no values. */
  control(command: Control): Promise<void>;
  /** Whether a transaction is open that has not been ended. */
  inTransaction(): boolean;
  close(): Promise<void>;
}

export type Control =
  | "begin"
  | "begin immediate"
  | "commit"
  | "rollback"
  /** Both of PostgreSQL. */
  | typeof lockTimeout
  | "set constraints all immediate";

export interface StatementResult {
  rows: Row[] | undefined;
  /** Rows that it changed, where it changes any. */
  changed: number | undefined;
}

export type Row = { [column: string]: Json };

/** JSON holds no objects of a database: those are text. */
export function bindable(value: Json): null | boolean | number | string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
}

/** Two columns of one name would be one: the later ones get a number. */
export function columnNames(names: readonly string[]): string[] {
  const used = new Set<string>();
  return names.map((name) => {
    let free = name;
    for (let n = 2; used.has(free); n += 1) free = `${name}_${n}`;
    used.add(free);
    return free;
  });
}
