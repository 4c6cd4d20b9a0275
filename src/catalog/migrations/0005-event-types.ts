import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** What was learned of event types, and the versions of their schemas. Few rows: one a type, some versions each. */
export const eventTypeMigration: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable("event_types")
      .addColumn("type", "text", (c) => c.primaryKey())
      .addColumn("first_seen", "bigint", (c) => c.notNull())
      .addColumn("last_seen", "bigint", (c) => c.notNull())
      .addColumn("count", "bigint", (c) => c.notNull())
      .addColumn("version", "integer", (c) => c.notNull())
      .addColumn("producers", "text", (c) => c.notNull())
      .addColumn("shape", "text", (c) => c.notNull())
      .execute();
    await db.schema
      .createTable("event_type_versions")
      .addColumn("type", "text", (c) => c.notNull())
      .addColumn("n", "integer", (c) => c.notNull())
      .addColumn("schema", "text", (c) => c.notNull())
      .addColumn("data_required", "integer", (c) => c.notNull())
      .addColumn("changes", "text", (c) => c.notNull())
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("event_type_versions_pk", ["type", "n"])
      .execute();
  },
};
