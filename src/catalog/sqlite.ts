import type { DatabaseSync } from "node:sqlite";
import { Kysely } from "kysely";
import { maxLosses } from "../executions/execution.ts";
import type { Clock } from "../foundation/clock.ts";
import { isPlatformError, messageOf, PlatformError } from "../foundation/errors.ts";
import type { Ids } from "../foundation/ids.ts";
import type { Log } from "../foundation/log.ts";
import { LogSync } from "../foundation/log-sync.ts";
import { openSqliteFile, translateSqliteError } from "../foundation/sqlite-file.ts";
import type { Catalog } from "./catalog.ts";
import { sqliteDialect, sqliteTraits } from "./dialects/sqlite.ts";
import { openKyselyCatalog } from "./kysely/kysely-catalog.ts";
import type { CatalogLimits } from "./kysely/store-context.ts";
import type { Tables } from "./kysely/tables.ts";
import { migrate, type SchemaStanding, schemaStanding } from "./migrations/migrate.ts";

export type SqliteCatalogOptions = {
  /** The database's clock: the embedded engine is on this machine (rule D8). */
  clock: Clock;
  ids: Ids;
  log: Log;
  limits?: Partial<CatalogLimits> | undefined;
  /** False: refuses, as `conflict`, a schema that is not the newest. */
  migrates?: boolean | undefined;
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
  const { clock, ids, log, limits, migrates } = options;
  const opened = options.database ? { database: options.database, sync: undefined } : openDatabase(options.path, log);
  const { sync } = opened;
  const changes = opened.database.prepare("select total_changes() as count");
  let synced = -1;
  const dialect = sqliteDialect({ ...opened, closesDatabase: options.database === undefined });
  const context = {
    db: new Kysely<Tables>({ dialect }),
    traits: sqliteTraits,
    now: () => clock.now(),
    ids,
    log,
    limits: { losses: maxLosses, ...limits },
    async durable() {
      if (!sync) return;
      const { count } = changes.get() as { count: number };
      // A look that found nothing has nothing to wait for.
      if (count <= synced) return;
      await sync.durable();
      synced = Math.max(synced, count);
    },
  };
  return { ...(await openKyselyCatalog(context, migrates)), failure: () => sync?.failure };
}

/** Brings the schema of a file that nobody has open up to date, or only looks; answers where it stood. Throws as `migrate` does. */
export async function migrateSqliteCatalog(path: string, look: boolean): Promise<SchemaStanding> {
  const { database, sync } = openDatabase(path);
  const db = new Kysely<never>({ dialect: sqliteDialect({ database, sync, closesDatabase: true }) });
  try {
    return await (look ? schemaStanding : migrate)(db, sqliteTraits);
  } finally {
    await db.destroy();
  }
}

function openDatabase(path: string, log?: Log): { database: DatabaseSync; sync: LogSync | undefined } {
  let database: DatabaseSync | undefined;
  try {
    database = openSqliteFile(path);
    // 64 MiB of log before it is copied back: keys are hashes, so that a page is changed by many transactions and
    // copied once. Copied at every 4 MiB, the default, routing takes twice as long.
    database.exec("pragma temp_store = memory; pragma cache_size = -65536; pragma wal_autocheckpoint = 16384");
    database.exec("pragma journal_size_limit = 67108864");
    return { database, sync: path === ":memory:" ? undefined : syncApart(database, path, log) };
  } catch (error) {
    database?.close();
    const translated = translateSqliteError(error, "the catalog's");
    if (isPlatformError(translated)) throw translated;
    throw new PlatformError("unavailable", `the catalog cannot be opened: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * A commit only writes the log; whoever waits for it waits for the log's sync, which several share and which holds up
 * nobody else (docs/adr/0019-synced-apart.md). SQLite itself goes on to sync before and after it copies the log back.
 */
function syncApart(database: DatabaseSync, path: string, log: Log | undefined): LogSync {
  database.exec("pragma synchronous = normal");
  // The log is there once something was read.
  database.prepare("select count(*) from sqlite_schema").get();
  return new LogSync(`${path}-wal`, "the catalog's", ({ message }) => {
    const advice =
      "nothing is accepted or decided any more: see to the disk, and start it anew; what was answered is safe";
    log?.error({ file: path, error: message }, advice);
  });
}
