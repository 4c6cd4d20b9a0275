import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../foundation/clock.ts";
import { migrateSqliteFile, openSqliteFile, takeDatabase } from "../foundation/sqlite-file.ts";
import type { ConfigStore } from "./config-store.ts";
import { SqliteConfiguration } from "./sqlite-configuration.ts";
import { configStoreSchema } from "./sqlite-schema.ts";
import { SqliteSecrets } from "./sqlite-secrets.ts";
import { SqliteSession, translateConfigStoreError } from "./sqlite-session.ts";
import { SqliteState } from "./sqlite-state.ts";

export interface SqliteConfigStoreOptions {
  /** The file, or ":memory:". */
  path?: string;
  /** Instead of a path: a database that outlives this store. Whoever held it before is shut out. */
  database?: DatabaseSync;
  clock: Clock;
}

/** Throws `unavailable`, `corrupt` or `conflict` (a newer release wrote it) when the file cannot be used. */
export function openSqliteConfigStore(options: SqliteConfigStoreOptions): ConfigStore {
  let database: DatabaseSync | undefined;
  try {
    database = options.database ?? openSqliteFile(options.path ?? ":memory:");
    return storesOver(database, options.clock, options.database === undefined);
  } catch (error) {
    if (options.database === undefined) database?.close();
    throw translateConfigStoreError(error);
  }
}

/** Everything in one file. Every write is one synced transaction, so that no other caller can come in between. */
function storesOver(database: DatabaseSync, clock: Clock, closesDatabase: boolean): ConfigStore {
  const isOwner = takeDatabase(database);
  migrateSqliteFile(database, configStoreSchema, "the configuration store's");
  const session = new SqliteSession(database, clock, isOwner);
  return {
    state: new SqliteState(session),
    configuration: new SqliteConfiguration(session),
    secrets: new SqliteSecrets(session),
    async close() {
      session.close();
      if (closesDatabase && database.isOpen) database.close();
    },
  };
}
