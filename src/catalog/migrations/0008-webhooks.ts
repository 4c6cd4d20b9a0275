import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** Webhooks that people made, and how far each adapter has come. */
export const webhookMigration: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable("webhooks")
      .addColumn("id", "text", (c) => c.primaryKey())
      .addColumn("name", "text", (c) => c.notNull().unique())
      .addColumn("project", "text")
      .addColumn("token_hash", "text", (c) => c.notNull().unique())
      .addColumn("active", "integer", (c) => c.notNull())
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .addColumn("last_used_at", "bigint")
      .execute();
    await db.schema
      .createTable("adapter_marks")
      .addColumn("adapter", "text", (c) => c.notNull())
      .addColumn("key", "text", (c) => c.notNull())
      .addColumn("mark", "text", (c) => c.notNull())
      .addPrimaryKeyConstraint("adapter_marks_pk", ["adapter", "key"])
      .execute();
  },
};
