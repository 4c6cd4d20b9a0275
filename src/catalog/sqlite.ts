import type { DatabaseSync } from "node:sqlite";
import { Kysely } from "kysely";
import { maxLosses } from "../executions/execution.ts";
import type { Clock } from "../foundation/clock.ts";
import { isPlatformError, messageOf, PlatformError } from "../foundation/errors.ts";
import type { Ids } from "../foundation/ids.ts";
import type { Log } from "../foundation/log.ts";
import { openSqliteFile, translateSqliteError } from "../foundation/sqlite-file.ts";
import type { Catalog } from "./catalog.ts";
import { sqliteDialect, sqliteTraits } from "./dialects/sqlite.ts";
import { openKyselyCatalog } from "./kysely/kysely-catalog.ts";
import type { CatalogLimits } from "./kysely/store-context.ts";
import type { Tables } from "./kysely/tables.ts";

export type SqliteCatalogOptions = {
  /** The database's clock: the embedded engine is on this machine (rule D8). */
  clock: Clock;
  ids: Ids;
  log: Log;
  limits?: Partial<CatalogLimits> | undefined;
} & SqliteLocation;

type SqliteLocation =
  /** A file, or ":memory:". */
  | { path: string; database?: undefined }
  /**
   * An open database, which `close` leaves open. Opening a catalog on one that another catalog still
   * uses takes it over, as a new process does after a crash.
   */
  | { database: DatabaseSync; path?: undefined };

/** Opens the embedded catalog. Throws `unavailable` when the file cannot be opened, `corrupt` when it is no database. */
export async function openSqliteCatalog(options: SqliteCatalogOptions): Promise<Catalog> {
  const { clock, ids, log, limits } = options;
  const database = options.database ?? openDatabase(options.path);
  const dialect = sqliteDialect(database, { closesDatabase: options.database === undefined });
  const db = new Kysely<Tables>({ dialect });
  return openKyselyCatalog({ db, traits: sqliteTraits, clock, ids, log, limits: { losses: maxLosses, ...limits } });
}

function openDatabase(path: string): DatabaseSync {
  try {
    const database = openSqliteFile(path);
    // 64 MiB of log before it is copied back: keys are hashes, so that a page is changed by many transactions and
    // copied once. Copied at every 4 MiB, the default, routing takes twice as long.
    database.exec("pragma temp_store = memory; pragma cache_size = -65536; pragma wal_autocheckpoint = 16384");
    database.exec("pragma journal_size_limit = 67108864");
    return database;
  } catch (error) {
    const translated = translateSqliteError(error, "the catalog's");
    if (isPlatformError(translated)) throw translated;
    throw new PlatformError("unavailable", `the catalog cannot be opened: ${messageOf(error)}`, { cause: error });
  }
}
