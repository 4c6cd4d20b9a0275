import type { DatabaseSync } from "node:sqlite";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from "kysely";
import type { LogSync } from "../../foundation/log-sync.ts";
import type { DialectTraits } from "./dialect-traits.ts";
import { SqliteConnection } from "./sqlite-connection.ts";
import { sqliteContents } from "./sqlite-contents.ts";

export const sqliteTraits: DialectTraits = {
  serial: { type: "integer", define: (column) => column.primaryKey().autoIncrement() },
  bytes: "blob",
  // One writer at a time: nothing is ever locked by another.
  skipLocked: sql``,
  walk: (index) => sql`indexed by ${sql.ref(index)}`,
  locks: undefined,
  stepDays: undefined,
  contents: sqliteContents,
  isContention: () => false,
  schemaPlugins: [],
  migrations: {},
};

export interface SqliteDialectParts {
  database: DatabaseSync;
  closesDatabase: boolean;
  /** Of its log, where commits leave that to others. */
  sync: LogSync | undefined;
}

/**
 * Kysely on `node:sqlite`: one connection, which Kysely lends to one transaction or query at a time
 * (rule D20), because statements of two transactions on one connection would become one transaction.
 */
export function sqliteDialect(parts: SqliteDialectParts): Dialect {
  return {
    createDriver: () => new SqliteDriver(parts),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

class SqliteDriver implements Driver {
  readonly #parts: SqliteDialectParts;
  readonly #connection: SqliteConnection;

  constructor(parts: SqliteDialectParts) {
    this.#parts = parts;
    this.#connection = new SqliteConnection(parts.database, () => parts.sync?.failure);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  // Immediate: a transaction that reads first and writes later must not fail halfway because another process wrote.
  async beginTransaction(): Promise<void> {
    await this.#connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }

  async commitTransaction(): Promise<void> {
    await this.#connection.executeQuery(CompiledQuery.raw("commit"));
  }

  // SQLite itself rolls back on some errors, a full disk among them; then there is nothing left to undo.
  async rollbackTransaction(): Promise<void> {
    if (this.#connection.inTransaction) await this.#connection.executeQuery(CompiledQuery.raw("rollback"));
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    const { database, closesDatabase, sync } = this.#parts;
    this.#connection.retire();
    await sync?.close();
    if (closesDatabase && database.isOpen) database.close();
  }
}
