import { Kysely, sql } from "kysely";
import { maxLosses } from "../executions/execution.ts";
import type { Clock } from "../foundation/clock.ts";
import type { Ids } from "../foundation/ids.ts";
import type { Log } from "../foundation/log.ts";
import type { Catalog } from "./catalog.ts";
import { postgresDialect, postgresTraits } from "./dialects/postgres.ts";
import { openPool, timeText } from "./dialects/postgres-connection.ts";
import { PostgresSession } from "./dialects/postgres-session.ts";
import { openKyselyCatalog } from "./kysely/kysely-catalog.ts";
import type { CatalogLimits, Tx } from "./kysely/store-context.ts";
import type { Tables } from "./kysely/tables.ts";
import { migrate, type SchemaStanding, schemaStanding } from "./migrations/migrate.ts";

export interface PostgresCatalogOptions {
  /** `postgres://user:password@host:port/database`, of PostgreSQL 15 or later; the user may make tables in it. */
  url: string;
  /** Most connections of this process; one more listens for changes. */
  connections?: number | undefined;
  /** Refuses to open, as `conflict`, while another process has the catalog open alone: for one whose bus is its own. */
  alone?: boolean | undefined;
  /** False: refuses, as `conflict`, a schema that is not the newest. */
  migrates?: boolean | undefined;
  /** Of this process, for its timers. */
  clock: Clock;
  ids: Ids;
  log: Log;
  limits?: Partial<CatalogLimits> | undefined;
  /** The time that leases are judged by; without it the server's (rule D8). */
  now?: (() => number) | undefined;
}

const defaultConnections = 10;
/** Well within a lease, so that what could not be done is tried again while it still counts; well past a wait for a process that stands still. */
const statementMs = 12_000;

/**
 * Opens the catalog on a PostgreSQL that any number of processes may share. Throws `unavailable` when it cannot be
 * reached; later it may go and come back, and what is called meanwhile fails as `unavailable`.
 */
export async function openPostgresCatalog(options: PostgresCatalogOptions): Promise<Catalog> {
  const { url, connections = defaultConnections, alone = false, migrates = true } = options;
  const { clock, ids, log, limits, now = serverTime } = options;
  if (migrates) await migratePostgresCatalog(url, false);
  const session = new PostgresSession({ url, alone, clock, log });
  await session.open();
  try {
    const context = {
      db: new Kysely<Tables>({ dialect: postgresDialect(openPool({ url, connections, statementMs })) }),
      traits: postgresTraits,
      now,
      ids,
      log,
      limits: { losses: maxLosses, ...limits },
      // With `synchronous_commit` on, as it is unless somebody changed it, a commit is answered once it is on the disk.
      durable: async () => {},
      retainAlone: (work: () => Promise<void>) => session.retainAlone(work),
    };
    const catalog = await openKyselyCatalog(context, migrates);
    const close = async () => {
      await session.close();
      await catalog.close();
    };
    return { ...catalog, news: session, close };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/**
 * Brings the schema up to date, or only looks; answers where it stood. On connections of its own, because a migration may take
 * long; of several processes one does it, and the others wait. Throws as `migrate` does.
 */
export async function migratePostgresCatalog(url: string, look: boolean): Promise<SchemaStanding> {
  const db = new Kysely<never>({ dialect: postgresDialect(openPool({ url, connections: 2, statementMs: undefined })) });
  try {
    return await (look ? schemaStanding : migrate)(db, postgresTraits);
  } finally {
    await db.destroy();
  }
}

async function serverTime(tx: Tx): Promise<number> {
  const { rows } = await sql.raw<{ now: number }>(timeText).execute(tx);
  return (rows[0] as { now: number }).now;
}
