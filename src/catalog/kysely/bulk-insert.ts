import { CompiledQuery, type Insertable, type InsertQueryBuilder, type InsertResult } from "kysely";
import type { Tx } from "./store-context.ts";
import type { Tables } from "./tables.ts";

/** Rows per statement: 2^7, 2^6, ... 1, so that any number of rows needs few different statements. */
const largestChunk = 128;

type Table = keyof Tables;
type Columns<T extends Table> = readonly (keyof Insertable<Tables[T]> & string)[];

/**
 * Inserts any number of rows of one shape. The SQL of each chunk size is compiled once and then run
 * with new values, because building the query anew costs more than running it.
 */
export class BulkInsert<T extends Table, Returned = never> {
  readonly #table: T;
  readonly #columns: Columns<T>;
  readonly #finish: (query: InsertQueryBuilder<Tables, T, InsertResult>) => { compile(): CompiledQuery };
  /** Keyed by dialect and number of rows. */
  readonly #sql = new Map<string, string>();

  /** `finish` adds what follows the values, e.g. `on conflict`. */
  constructor(
    table: T,
    columns: Columns<T>,
    finish: (query: InsertQueryBuilder<Tables, T, InsertResult>) => { compile(): CompiledQuery } = (query) => query,
  ) {
    this.#table = table;
    this.#columns = columns;
    this.#finish = finish;
  }

  /** Answers the rows that the statement returns, and how many it inserted where it returns none. */
  async run(tx: Tx, rows: readonly Insertable<Tables[T]>[]): Promise<{ returned: Returned[]; inserted: number }> {
    const returned: Returned[] = [];
    let inserted = 0;
    let size = largestChunk;
    for (let from = 0; from < rows.length; from += size) {
      while (size > rows.length - from) size /= 2;
      const values: unknown[] = [];
      for (let index = from; index < from + size; index += 1) {
        const row = rows[index] as Record<string, unknown>;
        for (const column of this.#columns) values.push(row[column]);
      }
      const result = await tx.executeQuery<Returned>(CompiledQuery.raw(this.#sqlFor(tx, size), values));
      for (const row of result.rows) returned.push(row);
      inserted += Number(result.numAffectedRows ?? 0);
    }
    return { returned, inserted };
  }

  #sqlFor(tx: Tx, size: number): string {
    const key = `${tx.getExecutor().adapter.constructor.name} ${size}`;
    let sql = this.#sql.get(key);
    if (sql === undefined) {
      const row = Object.fromEntries(this.#columns.map((column) => [column, ""])) as Insertable<Tables[T]>;
      const insert = tx.insertInto(this.#table).values(new Array<Insertable<Tables[T]>>(size).fill(row));
      sql = this.#finish(insert as unknown as InsertQueryBuilder<Tables, T, InsertResult>).compile().sql;
      this.#sql.set(key, sql);
    }
    return sql;
  }
}

/**
 * The list filled up to the next power of two with its last item: an `in (...)` then has few lengths,
 * and its statement is found prepared.
 */
export function padded<Item>(items: readonly Item[]): Item[] {
  const filled = [...items];
  const last = items.at(-1);
  if (last === undefined) return filled;
  const size = 2 ** Math.ceil(Math.log2(items.length));
  while (filled.length < size) filled.push(last);
  return filled;
}
