import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/** When schedules are due, what of them was passed over, and the runs that scripts asked for later. */
export const scheduleMigration: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable("services").addColumn("schedule_next", "bigint").execute();
    await db.schema.alterTable("services").addColumn("schedule_fired", "bigint").execute();
    await db.schema
      .alterTable("services")
      .addColumn("schedule_paused", "integer", (c) => c.notNull().defaultTo(0))
      .execute();
    await db.schema
      .alterTable("versions")
      .addColumn("catch_up", "text", (c) => c.notNull().defaultTo("one"))
      .execute();
    // Due at once: the scheduler finds that nothing has come yet, and when it will.
    await sql`update services set schedule_next = schedule_since where schedule is not null`.execute(db);

    await db.schema
      .createTable("schedule_misses")
      .addColumn("project", "text", (c) => c.notNull())
      .addColumn("service", "text", (c) => c.notNull())
      .addColumn("first_at", "bigint", (c) => c.notNull())
      .addColumn("last_at", "bigint", (c) => c.notNull())
      .addColumn("count", "bigint", (c) => c.notNull())
      .addColumn("recorded_at", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("schedule_misses_pk", ["project", "service", "first_at"])
      .execute();

    await db.schema
      .createTable("jobs")
      .addColumn("id", "text", (c) => c.primaryKey())
      .addColumn("execution_id", "text", (c) => c.notNull())
      .addColumn("project", "text", (c) => c.notNull())
      .addColumn("service", "text", (c) => c.notNull())
      .addColumn("status", "text", (c) => c.notNull())
      .addColumn("at", "bigint", (c) => c.notNull())
      .addColumn("event", "text", (c) => c.notNull())
      .addColumn("root_flow", "text", (c) => c.notNull())
      .addColumn("started_by_lifecycle", "integer", (c) => c.notNull())
      .addColumn("run_execution_id", "text")
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .execute();

    for (const definition of indexes) await sql.raw(`create ${definition}`).execute(db);
  },
};

const indexes = [
  "index services_due on services (schedule_next) where schedule_next is not null and schedule_paused = 0 and active = 1",
  "index schedule_misses_by_age on schedule_misses (recorded_at)",
  "index jobs_pending on jobs (at, id) where status = 'pending'",
  "index jobs_by_project on jobs (project, at, id) where status = 'pending'",
  "index jobs_by_service on jobs (project, service, at, id)",
  "index jobs_by_age on jobs (created_at) where status <> 'pending'",
];
