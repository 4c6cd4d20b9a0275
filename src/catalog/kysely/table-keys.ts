import type { Tables } from "./tables.ts";

/** The primary key of every table, in an order in which each comes after those that it refers to. */
export const tableKeys = {
  settings: ["name"],
  projects: ["name"],
  services: ["project", "name"],
  versions: ["project", "name", "id"],
  links: ["id"],
  mappings: ["id"],
  webhooks: ["id"],
  adapter_marks: ["adapter", "key"],
  event_types: ["type"],
  event_type_versions: ["type", "n"],
  ledger: ["seq"],
  bodies: ["key"],
  executions: ["seq"],
  steps: ["execution_id", "attempt", "n"],
  flows: ["correlation_id"],
  run_requests: ["key"],
  schedule_misses: ["project", "service", "first_at"],
  jobs: ["id"],
  outbox: ["id"],
  turns: ["project", "service", "lane", "priority"],
  throttle_starts: ["project", "service", "n"],
  replays: ["id"],
  captured_effects: ["execution_id", "n"],
  captured_counts: ["execution_id"],
  partitions: ["topic", "partition"],
  batches: ["id"],
  alert_rules: ["id"],
  alert_states: ["rule_id", "subject"],
  alert_positions: ["topic", "partition"],
  alert_episodes: ["id"],
} as const satisfies { [Table in keyof Tables]: readonly (keyof Tables[Table])[] };

/** Those whose rows the database numbers, with the column that has the number. */
export const numberedTables = {
  ledger: "seq",
  executions: "seq",
  outbox: "id",
  batches: "id",
} as const satisfies { [Table in keyof Tables]?: keyof Tables[Table] };

export const tableNames = Object.keys(tableKeys) as (keyof Tables)[];
