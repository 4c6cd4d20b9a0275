import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/**
 * One index per documented filter, each ending in the order of the list, so that a page costs the
 * same at any size; and partial ones over the few rows that are still to do, so that finished
 * history does not slow the claim.
 */
const indexes = [
  // Rule D2, second guard: one execution per event and link, retries by a person excepted (rule D6).
  "unique index executions_start on executions (event_key, link_id) where retry_of is null",
  // What can be claimed, in the order it is claimed (rule D4).
  "index executions_ready on executions (lane, priority, seq) where status = 'pending' and gate = 0",
  "index executions_delayed on executions (not_before) where status = 'pending' and gate = 1",
  "index executions_leased on executions (lease_until) where status = 'in_progress'",
  // Heads of concurrency keys (rule D5).
  "index executions_keyed on executions (project, service, concurrency_key, seq) where concurrency_key is not null and finished_at is null",
  "index executions_open on executions (project, service, seq) where finished_at is null",

  "index executions_by_time on executions (created_at, seq)",
  "index executions_by_project on executions (project, created_at, seq)",
  "index executions_by_service on executions (project, service, created_at, seq)",
  "index executions_by_service_status on executions (project, service, status, created_at, seq)",
  "index executions_by_status on executions (status, created_at, seq)",
  'index executions_by_trigger on executions ("trigger", created_at, seq)',
  "index executions_by_event on executions (event_key, created_at, seq)",
  "index executions_by_flow on executions (correlation_id, created_at, seq)",

  "index ledger_by_time on ledger (received_at, seq)",
  "index ledger_by_type on ledger (type, received_at, seq)",
  "index ledger_by_source on ledger (source, received_at, seq)",
  "index ledger_by_event_id on ledger (event_id, received_at, seq)",
  "index ledger_by_flow on ledger (correlation_id, received_at, seq)",
  "index ledger_by_project on ledger (project, received_at, seq) where project is not null",
  "index ledger_by_outcome on ledger (outcome, received_at, seq)",

  "index links_by_event_type on links (event_type)",
  "index versions_by_id on versions (id)",
  "index bodies_to_strip on bodies (stored_at) where stripped = 0",
  "index flows_by_age on flows (updated_at)",
  "index run_requests_by_age on run_requests (created_at)",
  "index batches_by_age on batches (decided_at)",
];

export const indexMigration: Migration = {
  async up(db: Kysely<unknown>) {
    for (const definition of indexes) await sql.raw(`create ${definition}`).execute(db);
  },
};
