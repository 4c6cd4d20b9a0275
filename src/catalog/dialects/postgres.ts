import { type Dialect, PostgresDialect, sql } from "kysely";
import type { Pool } from "pg";
import type { DialectTraits } from "./dialect-traits.ts";
import { PostgresColumnTypes } from "./postgres-column-types.ts";
import { translatingPool } from "./postgres-connection.ts";
import { postgresContents } from "./postgres-contents.ts";
import { isContention } from "./postgres-errors.ts";
import { postgresLocks } from "./postgres-locks.ts";
import { newsMigration } from "./postgres-news.ts";
import { postgresStepDays, stepDaysMigration } from "./postgres-step-days.ts";

export const postgresTraits: DialectTraits = {
  serial: { type: "bigint", define: (column) => column.primaryKey().generatedByDefaultAsIdentity() },
  bytes: "bytea",
  skipLocked: sql`for update skip locked`,
  // Its planner has statistics.
  walk: () => sql``,
  locks: postgresLocks,
  stepDays: postgresStepDays,
  contents: postgresContents,
  isContention,
  schemaPlugins: [new PostgresColumnTypes()],
  migrations: { "0010-postgres-news": newsMigration, "0011-postgres-step-days": stepDaysMigration },
};

/** Kysely on a pool of connections. Transactions are `read committed`: what they must not mix is held by locks. */
export function postgresDialect(pool: Pool): Dialect {
  return new PostgresDialect({ pool: translatingPool(pool) });
}
