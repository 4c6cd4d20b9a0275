import { sql } from "kysely";
import type { DialectLock, DialectLocks } from "./dialect-traits.ts";

/** Keeps our locks apart from those that others take on the same database: "FX". Its kind 0 is for sessions. */
export const lockNamespace = 0x4658_0000;

/** Advisory locks of the transaction: they end with it, also with the connection that it ran on. */
export const postgresLocks: DialectLocks = {
  async take(tx, locks) {
    await sql`
      select case when shared then pg_advisory_xact_lock_shared(kind, n)::text else pg_advisory_xact_lock(kind, n)::text end
      from ${wanted(locks)}`.execute(tx);
  },

  async tryTake(tx, locks) {
    const { rows } = await sql<{ taken: boolean }>`
      select pg_try_advisory_xact_lock(kind, n) as taken from ${wanted(locks)}`.execute(tx);
    return rows.map(({ taken }) => taken);
  },

  async allowPause(tx, pauseMs) {
    await sql`select set_config('idle_in_transaction_session_timeout', ${String(pauseMs)}, true)`.execute(tx);
  },
};

/** As rows, which are evaluated in their order. */
function wanted(locks: readonly DialectLock[]) {
  const kinds = locks.map(({ kind }) => lockNamespace + kind);
  const numbers = locks.map(({ n }) => n);
  const shared = locks.map((lock) => lock.shared);
  return sql`unnest(${kinds}::int[], ${numbers}::int[], ${shared}::bool[]) as wanted (kind, n, shared)`;
}
