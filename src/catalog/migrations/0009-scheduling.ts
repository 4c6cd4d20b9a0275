import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/** Limits of services, whose turn it is, what a throttle remembers, and what people are told of moved and skipped runs. */
export const schedulingMigration: Migration = {
  async up(db: Kysely<unknown>) {
    for (const [name, type] of Object.entries(limits)) {
      await db.schema.alterTable("services").addColumn(name, type).execute();
    }
    await db.schema.alterTable("executions").addColumn("moved_from", "text").execute();
    await db.schema.alterTable("executions").addColumn("skip_reason", "text").execute();
    await db.schema
      .createTable("turns")
      .addColumn("project", "text", (c) => c.notNull())
      .addColumn("service", "text", (c) => c.notNull())
      .addColumn("lane", "text", (c) => c.notNull())
      .addColumn("priority", "integer", (c) => c.notNull())
      .addColumn("state", "integer", (c) => c.notNull())
      .addColumn("round", "bigint", (c) => c.notNull())
      .addColumn("opens_at", "bigint")
      .addPrimaryKeyConstraint("turns_pk", ["project", "service", "lane", "priority"])
      .execute();
    await db.schema
      .createTable("throttle_starts")
      .addColumn("project", "text", (c) => c.notNull())
      .addColumn("service", "text", (c) => c.notNull())
      .addColumn("n", "bigint", (c) => c.notNull())
      .addColumn("at", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("throttle_starts_pk", ["project", "service", "n"])
      .execute();
    for (const index of replaced) await db.schema.dropIndex(index).execute();
    for (const definition of indexes) await sql.raw(`create ${definition}`).execute(db);
    await sql`
      insert into turns (project, service, lane, priority, state, round)
      select distinct project, service, lane, priority, 0, 0 from executions where status = 'pending'`.execute(db);
  },
};

const limits = {
  concurrency: "integer",
  throttle_limit: "integer",
  throttle_period_ms: "bigint",
  queue_limit: "integer",
  queue_policy: "text",
} as const;

const replaced = ["executions_ready", "executions_open"];

const indexes = [
  // What a service can have claimed at its turn, in the order it is claimed (rule D4).
  "index executions_ready on executions (project, service, lane, priority, seq) where status = 'pending' and gate = 0",
  // What of a service runs, and what waits but for replays: counted without reading the rows.
  "index executions_open on executions (project, service, status, replay_id, seq) where finished_at is null",
  // Whose turn it is.
  "index turns_open on turns (lane, priority, round, project, service) where state = 0",
  "index turns_by_round on turns (lane, priority, round)",
  "index turns_throttled on turns (opens_at) where state = 3",
];
