import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { CompiledQuery, DatabaseConnection, QueryResult } from "kysely";
import { PlatformError } from "../../foundation/errors.ts";
import { translateSqliteError } from "./sqlite-errors.ts";

/** Prepared statements kept per connection; the least recently used goes first. */
const maxStatements = 500;

interface Prepared {
  statement: StatementSync;
  returnsRows: boolean;
}

/** The connection that owns a database object now: whoever opened it last. */
const owners = new WeakMap<DatabaseSync, SqliteConnection>();

/**
 * Runs compiled queries on a `node:sqlite` database. Opening another connection on the same object
 * retires this one and undoes its open transaction, as the death of a process would: what the old
 * one does afterwards is refused as `unavailable` and changes nothing.
 */
export class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, Prepared>();

  constructor(database: DatabaseSync) {
    this.#database = database;
    if (database.isTransaction) database.exec("rollback");
    owners.set(database, this);
  }

  get inTransaction(): boolean {
    return owners.get(this.#database) === this && this.#database.isTransaction;
  }

  retire(): void {
    if (owners.get(this.#database) === this) owners.delete(this.#database);
    this.#statements.clear();
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    if (owners.get(this.#database) !== this) {
      throw new PlatformError("unavailable", "the catalog is closed, or its database was opened anew", {
        retryable: false,
      });
    }
    try {
      const { statement, returnsRows } = this.#prepare(query.sql);
      const parameters = query.parameters as SQLInputValue[];
      if (returnsRows) return { rows: statement.all(...parameters) as Row[] };
      const { changes } = statement.run(...parameters);
      return { rows: [], numAffectedRows: BigInt(changes) };
    } catch (error) {
      throw translateSqliteError(error);
    }
  }

  // biome-ignore lint/correctness/useYield: the interface asks for a generator; the stores read pages and never stream.
  async *streamQuery<Row>(): AsyncGenerator<QueryResult<Row>> {
    throw new PlatformError("unavailable", "streaming is not offered: read a page at a time", { retryable: false });
  }

  #prepare(sql: string): Prepared {
    let prepared = this.#statements.get(sql);
    if (prepared === undefined) {
      const statement = this.#database.prepare(sql);
      prepared = { statement, returnsRows: statement.columns().length > 0 };
      const oldest = this.#statements.size >= maxStatements ? this.#statements.keys().next().value : undefined;
      if (oldest !== undefined) this.#statements.delete(oldest);
    } else {
      this.#statements.delete(sql);
    }
    this.#statements.set(sql, prepared);
    return prepared;
  }
}
