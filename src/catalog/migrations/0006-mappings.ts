import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/** Mappings, and in the ledger what each of them said of an event. */
export const mappingMigration: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable("mappings")
      .addColumn("id", "text", (c) => c.primaryKey())
      .addColumn("name", "text")
      .addColumn("project", "text", (c) => c.notNull())
      .addColumn("from_type", "text", (c) => c.notNull())
      .addColumn("to_type", "text", (c) => c.notNull())
      .addColumn("filter", "text", (c) => c.notNull())
      .addColumn("strategy", "text", (c) => c.notNull())
      .addColumn("fields", "text", (c) => c.notNull())
      .addColumn("active", "integer", (c) => c.notNull())
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .addUniqueConstraint("mappings_content", ["project", "from_type", "to_type", "filter"])
      .execute();
    await sql`alter table ledger add column mappings text`.execute(db);
  },
};
