import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { CompiledQuery, DatabaseConnection, QueryResult } from "kysely";
import { PlatformError } from "../../foundation/errors.ts";
import { takeDatabase, translateSqliteError } from "../../foundation/sqlite-file.ts";

/** Prepared statements kept per connection; the least recently used goes first. */
const maxStatements = 500;

interface Prepared {
  statement: StatementSync;
  returnsRows: boolean;
}

/**
 * Runs compiled queries on a `node:sqlite` database. Opening another connection on the same object
 * retires this one and undoes its open transaction, as the death of a process would: what the old
 * one does afterwards is refused as `unavailable` and changes nothing.
 */
export class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #isOurs: () => boolean;
  readonly #statements = new Map<string, Prepared>();
  readonly #failure: () => PlatformError | undefined;
  #retired = false;

  /** `failure`: why the database can be used no more. */
  constructor(database: DatabaseSync, failure: () => PlatformError | undefined = () => undefined) {
    this.#database = database;
    this.#failure = failure;
    this.#isOurs = takeDatabase(database);
  }

  get inTransaction(): boolean {
    return this.#isOurs() && this.#database.isTransaction;
  }

  /** What comes later is refused. */
  retire(): void {
    this.#retired = true;
    this.#statements.clear();
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    if (this.#retired || !this.#isOurs()) {
      throw new PlatformError("unavailable", "the catalog is closed, or its database was opened anew", {
        retryable: false,
      });
    }
    const failure = this.#failure();
    // An open transaction may still be undone.
    if (failure && !this.#database.isTransaction) throw failure;
    try {
      const { statement, returnsRows } = this.#prepare(query.sql);
      const parameters = query.parameters as SQLInputValue[];
      if (returnsRows) return { rows: statement.all(...parameters) as Row[] };
      const { changes } = statement.run(...parameters);
      return { rows: [], numAffectedRows: BigInt(changes) };
    } catch (error) {
      throw translateSqliteError(error, "the catalog's");
    }
  }

  // biome-ignore lint/correctness/useYield: the interface asks for a generator; the stores read pages and never stream.
  async *streamQuery<Row>(): AsyncGenerator<QueryResult<Row>> {
    throw new PlatformError("unavailable", "streaming is not offered: read a page at a time", { retryable: false });
  }

  #prepare(sql: string): Prepared {
    let prepared = this.#statements.get(sql);
    if (prepared === undefined) {
      const statement = this.#database.prepare(withHiddenLimits(sql));
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

/**
 * SQLite plans by the value of a parameter that is a whole limit, and so prepares the statement anew for every value that it is
 * given, which takes longer than most of ours run. Into a sum it does not look. The same goes for a parameter that a partial index
 * compares with a literal: there the stores write literals too.
 */
function withHiddenLimits(sql: string): string {
  return sql.replaceAll(/\blimit \?/g, "limit (? + 0)");
}
