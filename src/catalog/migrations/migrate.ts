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
    ...traits.migrations,
  };
}

/** Brings the database to the newest schema. Throws `conflict` where a newer release has written it. */
export async function migrate(db: Kysely<never>, traits: DialectTraits): Promise<void> {
  const migrations = migrationsOf(traits);
  if (await isCurrent(db, Object.keys(migrations))) return;
  const planned = traits.schemaPlugins.reduce((planned, plugin) => planned.withPlugin(plugin), db);
  const migrator = new Migrator({ db: planned, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;
  if (error instanceof PlatformError) throw error;
  throw new PlatformError("conflict", `the catalog's schema cannot be brought up to date: ${messageOf(error)}`, {
    cause: error,
  });
}

/** A start against a current schema is the usual case, and reads one small table. */
async function isCurrent(db: Kysely<never>, names: readonly string[]): Promise<boolean> {
  try {
    const migrated = (db as unknown as Kysely<{ kysely_migration: { name: string } }>)
      .selectFrom("kysely_migration")
      .select("name")
      .orderBy("name");
    const done = (await migrated.execute()).map(({ name }) => name);
    return done.length === names.length && names.every((name, index) => done[index] === name);
  } catch (error) {
    // No such table: the database is new. Anything that hinders more than that comes up again in the migration.
    if (error instanceof PlatformError) throw error;
    return false;
  }
}
