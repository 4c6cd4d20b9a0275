import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/** Rules of alerts, what is known of each of their subjects, up to where was read, and the episodes. */
export const alertMigration: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`insert into settings (name, value) values ('alert_epoch', 1)`.execute(db);
    await db.schema
      .createTable("alert_rules")
      .addColumn("id", "text", (c) => c.primaryKey())
      .addColumn("name", "text", (c) => c.notNull().unique())
      .addColumn("project", "text")
      .addColumn("description", "text")
      .addColumn("severity", "text", (c) => c.notNull())
      .addColumn("active", "integer", (c) => c.notNull())
      .addColumn("condition", "text", (c) => c.notNull())
      .addColumn("revision", "integer", (c) => c.notNull())
      .addColumn("since", "bigint", (c) => c.notNull())
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .execute();
    await db.schema
      .createTable("alert_states")
      .addColumn("rule_id", "text", (c) => c.notNull())
      .addColumn("subject", "text", (c) => c.notNull())
      .addColumn("state", "text")
      .addColumn("judged_to", "bigint", (c) => c.notNull())
      .addColumn("look_at", "bigint")
      .addPrimaryKeyConstraint("alert_states_pk", ["rule_id", "subject"])
      .execute();
    await db.schema
      .createTable("alert_positions")
      .addColumn("topic", "text", (c) => c.notNull())
      .addColumn("partition", "integer", (c) => c.notNull())
      .addColumn("next_offset", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("alert_positions_pk", ["topic", "partition"])
      .execute();
    await db.schema
      .createTable("alert_episodes")
      .addColumn("id", "text", (c) => c.primaryKey())
      .addColumn("rule_id", "text", (c) => c.notNull())
      .addColumn("rule_name", "text", (c) => c.notNull())
      .addColumn("kind", "text", (c) => c.notNull())
      .addColumn("severity", "text", (c) => c.notNull())
      .addColumn("description", "text")
      .addColumn("subject", "text", (c) => c.notNull())
      .addColumn("project", "text")
      .addColumn("summary", "text", (c) => c.notNull())
      .addColumn("facts", "text", (c) => c.notNull())
      .addColumn("raised_at", "bigint", (c) => c.notNull())
      .addColumn("resolved_at", "bigint")
      .addColumn("resolution", "text")
      .addColumn("resolved_summary", "text")
      .execute();
    for (const index of indexes) await sql.raw(`create ${index}`).execute(db);
  },
};

const indexes = [
  "index alert_states_due on alert_states (look_at) where look_at is not null",
  // Of a rule and a subject at most one episode is open.
  "unique index alert_episodes_open on alert_episodes (rule_id, subject) where resolved_at is null",
  "index alert_episodes_by_rule on alert_episodes (rule_id, id)",
  "index alert_episodes_resolved on alert_episodes (resolved_at) where resolved_at is not null",
];
