import type { Kysely } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { messageOf, PlatformError } from "../../foundation/errors.ts";
import type { DialectTraits } from "../dialects/dialect-traits.ts";
import { firstSchema } from "./0001-first-schema.ts";
import { indexMigration } from "./0002-indexes.ts";
import { grantMigration } from "./0003-grants.ts";
import { scheduleMigration } from "./0004-schedules.ts";
import { eventTypeMigration } from "./0005-event-types.ts";
import { mappingMigration } from "./0006-mappings.ts";
import { replayMigration } from "./0007-replays.ts";
import { webhookMigration } from "./0008-webhooks.ts";
import { schedulingMigration } from "./0009-scheduling.ts";
import { alertMigration } from "./0012-alerts.ts";
import { passedOffsetsMigration } from "./0013-passed-offsets.ts";

/** Of a database's schema against this release's. */
export interface SchemaStanding {
  /** The newest migration that it has; undefined of a database without any. */
  from: string | undefined;
  /** The newest of this release. */
  to: string;
  /** Those that it lacks, in order; or lacked, before they were done. */
  missing: readonly string[];
}

/** Every migration there is, in order. A released one is never changed; a change is a new one. */
function migrationsOf(traits: DialectTraits): Record<string, Migration> {
  return {
    "0001-first-schema": firstSchema(traits),
    "0002-indexes": indexMigration,
    "0003-grants": grantMigration,
    "0004-schedules": scheduleMigration,
    "0005-event-types": eventTypeMigration,
    "0006-mappings": mappingMigration,
    "0007-replays": replayMigration,
    "0008-webhooks": webhookMigration,
    "0009-scheduling": schedulingMigration,
    "0012-alerts": alertMigration,
    "0013-passed-offsets": passedOffsetsMigration,
    ...traits.migrations,
  };
}

/**
 * Brings the database to the newest schema. Answers from where, and what was done. Throws `conflict` where a newer release
 * has written it.
 */
export async function migrate(db: Kysely<never>, traits: DialectTraits): Promise<SchemaStanding> {
  const standing = await schemaStanding(db, traits);
  if (standing.missing.length === 0) return standing;
  const planned = traits.schemaPlugins.reduce((planned, plugin) => planned.withPlugin(plugin), db);
  const provider = { getMigrations: async () => migrationsOf(traits) };
  const { error } = await new Migrator({ db: planned, provider }).migrateToLatest();
  if (error === undefined) return standing;
  if (error instanceof PlatformError) throw error;
  throw new PlatformError("conflict", `the catalog's schema cannot be brought up to date: ${messageOf(error)}`, {
    cause: error,
  });
}

/** Where the schema of a database stands. Throws `conflict` where a newer release has written it. Reads one small table. */
export async function schemaStanding(db: Kysely<never>, traits: DialectTraits): Promise<SchemaStanding> {
  const known = Object.keys(migrationsOf(traits)).sort();
  const done = new Set(await namesDone(db));
  const to = known.at(-1) as string;
  const newer = [...done].filter((name) => !known.includes(name));
  if (newer.length > 0) {
    throw new PlatformError(
      "conflict",
      `the catalog's schema is of a newer release: it has ${newer.join(", ")}, and this one knows none after ${to}. Start the release that wrote it, or a later one`,
    );
  }
  return { from: [...done].at(-1), to, missing: known.filter((name) => !done.has(name)) };
}

/** Throws `conflict` where the schema is not the newest. */
export async function requireCurrent(db: Kysely<never>, traits: DialectTraits): Promise<void> {
  const { from = "nothing", to, missing } = await schemaStanding(db, traits);
  if (missing.length === 0) return;
  throw new PlatformError(
    "conflict",
    `the catalog's schema is behind this release: it is at ${from}, and ${to} is needed. Run fx migrate, or let the start do it (catalog.migrate)`,
  );
}

/** In the order of their names, which is that of their doing. */
async function namesDone(db: Kysely<never>): Promise<string[]> {
  try {
    const migrated = (db as unknown as Kysely<{ kysely_migration: { name: string } }>)
      .selectFrom("kysely_migration")
      .select("name")
      .orderBy("name");
    return (await migrated.execute()).map(({ name }) => name);
  } catch (error) {
    // No such table: the database is new. Anything that hinders more than that comes up again in the migration.
    if (error instanceof PlatformError) throw error;
    return [];
  }
}
