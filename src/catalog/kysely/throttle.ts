import { sql } from "kysely";
import type { Tx } from "./store-context.ts";
import type { ServicesTable } from "./tables.ts";

interface Throttled {
  project: string;
  service: string;
  throttle_limit: NonNullable<ServicesTable["throttle_limit"]>;
  throttle_period_ms: NonNullable<ServicesTable["throttle_period_ms"]>;
}

/**
 * How many of the starts wanted a throttle lets happen now; where none, when the first may. The start that comes
 * `limit` after another must be a period later: that holds for every stretch of time, and costs as many rows as
 * starts are wanted, however large the limit is.
 */
export async function throttleRoom(
  tx: Tx,
  service: Throttled,
  wanted: number,
  now: number,
): Promise<{ free: number; opensAt: number }> {
  const { throttle_limit: limit, throttle_period_ms: periodMs } = service;
  const asked = Math.min(wanted, limit);
  const before = (await lastStart(tx, service)) - limit;
  const { rows } = await sql<{ at: number }>`
    select at from throttle_starts
    where project = ${service.project} and service = ${service.service} and n > ${before} and n <= ${before + asked}
    order by n`.execute(tx);
  // A start in the future was counted before the clock was set back: nobody waits for that moment.
  const blocking = rows.filter(({ at }) => at <= now && at > now - periodMs);
  return { free: asked - blocking.length, opensAt: (blocking[0]?.at ?? now) + periodMs };
}

/** In the transaction that claims. Forgets what no later start is held against. */
export async function recordStarts(tx: Tx, service: Throttled, count: number, now: number): Promise<void> {
  const { project, service: name, throttle_limit: limit } = service;
  const last = await lastStart(tx, service);
  for (let n = last + 1; n <= last + count; n += 1) {
    await sql`insert into throttle_starts (project, service, n, at) values (${project}, ${name}, ${n}, ${now})`.execute(
      tx,
    );
  }
  await sql`
    delete from throttle_starts
    where project = ${project} and service = ${name} and n <= ${last + count - limit}`.execute(tx);
}

async function lastStart(tx: Tx, { project, service }: Throttled): Promise<number> {
  const { rows } = await sql<{ n: number | null }>`
    select max(n) as n from throttle_starts where project = ${project} and service = ${service}`.execute(tx);
  return rows[0]?.n ?? 0;
}
