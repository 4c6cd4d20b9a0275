import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import type { DialectTraits } from "../dialects/dialect-traits.ts";

/** The tables. Types are PostgreSQL's names, which SQLite reads as the affinities meant. */
export function firstSchema(traits: DialectTraits): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await sql`create table settings (name text primary key, value bigint not null)`.execute(db);
      await sql`insert into settings (name, value) values ('link_epoch', 1)`.execute(db);

      await db.schema
        .createTable("projects")
        .addColumn("name", "text", (c) => c.primaryKey())
        .addColumn("description", "text", (c) => c.notNull())
        .addColumn("created_at", "bigint", (c) => c.notNull())
        .execute();

      await db.schema
        .createTable("services")
        .addColumn("project", "text", (c) => c.notNull().references("projects.name"))
        .addColumn("name", "text", (c) => c.notNull())
        .addColumn("active_version", "text")
        .addColumn("active", "integer", (c) => c.notNull())
        .addColumn("priority", "integer", (c) => c.notNull())
        .addColumn("active_pinned", "integer", (c) => c.notNull())
        .addColumn("priority_pinned", "integer", (c) => c.notNull())
        .addColumn("schedule", "text")
        .addColumn("schedule_since", "bigint")
        .addColumn("created_at", "bigint", (c) => c.notNull())
        .addColumn("updated_at", "bigint", (c) => c.notNull())
        .addPrimaryKeyConstraint("services_pk", ["project", "name"])
        .execute();

      await db.schema
        .createTable("versions")
        .addColumn("project", "text", (c) => c.notNull())
        .addColumn("name", "text", (c) => c.notNull())
        .addColumn("id", "text", (c) => c.notNull())
        .addColumn("manifest", "text", (c) => c.notNull())
        .addColumn("scripts", "text", (c) => c.notNull())
        .addColumn("files", "text", (c) => c.notNull())
        .addColumn("warnings", "text", (c) => c.notNull())
        .addColumn("concurrency_key", "text")
        .addColumn("on_lost", "text", (c) => c.notNull())
        .addColumn("created_at", "bigint", (c) => c.notNull())
        .addPrimaryKeyConstraint("versions_pk", ["project", "name", "id"])
        .addForeignKeyConstraint("versions_service", ["project", "name"], "services", ["project", "name"])
        .execute();

      await db.schema
        .createTable("links")
        .addColumn("id", "text", (c) => c.primaryKey())
        .addColumn("project", "text", (c) => c.notNull())
        .addColumn("service", "text", (c) => c.notNull())
        .addColumn("version", "text", (c) => c.notNull())
        .addColumn("event_type", "text", (c) => c.notNull())
        .addColumn("filter", "text", (c) => c.notNull())
        .addColumn("active", "integer", (c) => c.notNull())
        .addColumn("origin", "text", (c) => c.notNull())
        .addColumn("removed", "integer", (c) => c.notNull())
        .addColumn("created_at", "bigint", (c) => c.notNull())
        .addUniqueConstraint("links_content", ["project", "service", "version", "event_type", "filter"])
        .addForeignKeyConstraint("links_service", ["project", "service"], "services", ["project", "name"])
        .execute();

      await db.schema
        .createTable("ledger")
        .addColumn("seq", traits.serial.type, traits.serial.define)
        .addColumn("key", "text", (c) => c.notNull().unique())
        .addColumn("digest", "text", (c) => c.notNull())
        .addColumn("type", "text", (c) => c.notNull())
        .addColumn("source", "text", (c) => c.notNull())
        .addColumn("event_id", "text", (c) => c.notNull())
        .addColumn("correlation_id", "text", (c) => c.notNull())
        .addColumn("project", "text")
        .addColumn("outcome", "text", (c) => c.notNull())
        .addColumn("reason", "text")
        .addColumn("links", "text", (c) => c.notNull())
        .addColumn("sequence", "integer", (c) => c.notNull())
        .addColumn("received_at", "bigint", (c) => c.notNull())
        .addColumn("decided_at", "bigint", (c) => c.notNull())
        .execute();

      await db.schema
        .createTable("bodies")
        .addColumn("key", "text", (c) => c.primaryKey())
        .addColumn("body", traits.bytes, (c) => c.notNull())
        .addColumn("stored_at", "bigint", (c) => c.notNull())
        .addColumn("stripped", "integer", (c) => c.notNull())
        .execute();

      await db.schema
        .createTable("executions")
        .addColumn("seq", traits.serial.type, traits.serial.define)
        .addColumn("id", "text", (c) => c.notNull().unique())
        .addColumn("project", "text", (c) => c.notNull())
        .addColumn("service", "text", (c) => c.notNull())
        .addColumn("version", "text", (c) => c.notNull())
        .addColumn("trigger", "text", (c) => c.notNull())
        .addColumn("event_key", "text", (c) => c.notNull())
        .addColumn("event_id", "text", (c) => c.notNull())
        .addColumn("event_source", "text", (c) => c.notNull())
        .addColumn("event_type", "text", (c) => c.notNull())
        .addColumn("link_id", "text", (c) => c.notNull())
        .addColumn("correlation_id", "text", (c) => c.notNull())
        .addColumn("root_flow", "text", (c) => c.notNull())
        .addColumn("sequence", "integer", (c) => c.notNull())
        .addColumn("started_by_lifecycle", "integer", (c) => c.notNull())
        .addColumn("priority", "integer", (c) => c.notNull())
        .addColumn("lane", "text", (c) => c.notNull())
        .addColumn("concurrency_key", "text")
        .addColumn("retry_of", "text")
        .addColumn("created_at", "bigint", (c) => c.notNull())
        .addColumn("status", "text", (c) => c.notNull().defaultTo("pending"))
        .addColumn("attempt", "integer", (c) => c.notNull().defaultTo(0))
        .addColumn("losses", "integer", (c) => c.notNull().defaultTo(0))
        .addColumn("gate", "integer", (c) => c.notNull())
        .addColumn("not_before", "bigint", (c) => c.notNull())
        .addColumn("token", "bigint", (c) => c.notNull().defaultTo(0))
        .addColumn("lease_owner", "text")
        .addColumn("lease_until", "bigint")
        .addColumn("cancel_requested", "integer", (c) => c.notNull().defaultTo(0))
        .addColumn("started_at", "bigint")
        .addColumn("finished_at", "bigint")
        .addColumn("error", "text")
        .execute();

      await db.schema
        .createTable("steps")
        .addColumn("execution_id", "text", (c) => c.notNull())
        .addColumn("attempt", "integer", (c) => c.notNull())
        .addColumn("n", "integer", (c) => c.notNull())
        .addColumn("script", "text", (c) => c.notNull())
        .addColumn("status", "text", (c) => c.notNull())
        .addColumn("exit_code", "integer")
        .addColumn("started_at", "bigint", (c) => c.notNull())
        .addColumn("finished_at", "bigint")
        .addColumn("preview", "text", (c) => c.notNull())
        .addColumn("size_bytes", "bigint", (c) => c.notNull())
        .addColumn("truncated", "integer", (c) => c.notNull())
        .addPrimaryKeyConstraint("steps_pk", ["execution_id", "attempt", "n"])
        .execute();

      await db.schema
        .createTable("flows")
        .addColumn("correlation_id", "text", (c) => c.primaryKey())
        .addColumn("executions", "integer", (c) => c.notNull())
        .addColumn("updated_at", "bigint", (c) => c.notNull())
        .execute();

      await db.schema
        .createTable("run_requests")
        .addColumn("key", "text", (c) => c.primaryKey())
        .addColumn("execution_id", "text", (c) => c.notNull())
        .addColumn("project", "text", (c) => c.notNull())
        .addColumn("service", "text", (c) => c.notNull())
        .addColumn("created_at", "bigint", (c) => c.notNull())
        .execute();

      await db.schema
        .createTable("outbox")
        .addColumn("id", traits.serial.type, traits.serial.define)
        .addColumn("topic", "text", (c) => c.notNull())
        .addColumn("event", "text", (c) => c.notNull())
        .execute();

      await countsTable(db, "partitions").addPrimaryKeyConstraint("partitions_pk", ["topic", "partition"]).execute();
      await countsTable(db, "batches")
        .addColumn("id", traits.serial.type, traits.serial.define)
        .addColumn("decided_at", "bigint", (c) => c.notNull())
        .execute();
    },
  };
}

const counts = ["from_offset", "to_offset", "matched", "unmatched", "duplicate", "rejected", "counted"];

function countsTable(db: Kysely<unknown>, name: string) {
  const table = db.schema
    .createTable(name)
    .addColumn("topic", "text", (c) => c.notNull())
    .addColumn("partition", "integer", (c) => c.notNull());
  return counts.reduce((columns, count) => columns.addColumn(count, "bigint", (c) => c.notNull()), table);
}
