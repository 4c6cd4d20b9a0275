import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/** Replays of flows, and what the scripts of their executions asked for. */
export const replayMigration: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable("replays")
      .addColumn("id", "text", (c) => c.primaryKey())
      .addColumn("correlation_id", "text", (c) => c.notNull())
      .addColumn("versions", "text", (c) => c.notNull())
      .addColumn("not_replayable", "text", (c) => c.notNull())
      .addColumn("executions", "integer", (c) => c.notNull())
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .execute();
    await sql`create index replays_by_time on replays (created_at, id)`.execute(db);
    await sql`create index replays_by_flow on replays (correlation_id, created_at, id)`.execute(db);
    await db.schema.alterTable("executions").addColumn("replay_id", "text").execute();
    await sql`create index executions_by_replay on executions (replay_id, seq) where replay_id is not null`.execute(db);
    await db.schema
      .createTable("captured_effects")
      .addColumn("execution_id", "text", (c) => c.notNull())
      .addColumn("n", "integer", (c) => c.notNull())
      .addColumn("step", "integer", (c) => c.notNull())
      .addColumn("kind", "text", (c) => c.notNull())
      .addColumn("content", "text", (c) => c.notNull())
      .addPrimaryKeyConstraint("captured_effects_pk", ["execution_id", "n"])
      .execute();
    await db.schema
      .createTable("captured_counts")
      .addColumn("execution_id", "text", (c) => c.primaryKey())
      .addColumn("count", "integer", (c) => c.notNull())
      .execute();
  },
};
