import { sql } from "kysely";
import type { Lane } from "../../executions/lanes.ts";
import { lifecycleEvent } from "../../executions/lifecycle-events.ts";
import { invariant } from "../../foundation/assert.ts";
import type { EventKey } from "../../foundation/ids.ts";
import type { ClaimedExecution, ClaimRequest } from "../leases.ts";
import { padded } from "./bulk-insert.ts";
import { type ExecutionRow, executionOf } from "./execution-rows.ts";
import { announce } from "./outbox.ts";
import { isAnnounced } from "./replay-rows.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";
import { gates } from "./tables.ts";

export function claim(context: StoreContext, request: ClaimRequest): Promise<ClaimedExecution[]> {
  return inTransaction(context, async (tx, now) => {
    await openDelayed(context, tx, now);
    const rows: ExecutionRow[] = [];
    for (const lane of new Set(request.lanes)) {
      const limit = request.limit - rows.length;
      if (limit <= 0) break;
      const claimed = await claimLane(context, tx, lane, { ...request, limit }, now);
      // What an update returns is in no order.
      rows.push(...claimed.sort((a, b) => a.priority - b.priority || a.seq - b.seq));
    }
    const bodies = await readBodies(tx, rows);
    const claimed = rows.map((row): ClaimedExecution => {
      const execution = executionOf(row);
      const body = bodies.get(row.event_key);
      invariant(execution.status === "in_progress", `claimed, but ${execution.status}: ${row.id}`);
      invariant(body, `the body of event ${row.event_key} is gone, but execution ${row.id} needs it`);
      return { execution, body };
    });
    await announce(
      tx,
      claimed
        .filter(({ execution }) => isAnnounced(execution))
        .map(({ execution }) => lifecycleEvent(execution, { kind: "started", token: execution.lease.token }, now)),
    );
    return claimed;
  });
}

/** Those whose time has come join the ready ones; then a claim walks over none that it must leave. */
async function openDelayed({ traits }: StoreContext, tx: Tx, now: number): Promise<void> {
  await sql`
    update executions ${traits.walk("executions_delayed")} set gate = ${gates.ready}
    where status = 'pending' and gate = 1 and not_before <= ${now}`.execute(tx);
}

async function claimLane(
  { traits }: StoreContext,
  tx: Tx,
  lane: Lane,
  { owner, limit, leaseMs }: ClaimRequest,
  now: number,
): Promise<ExecutionRow[]> {
  // Literals, not parameters, where a partial index is to be found by its condition.
  const { rows } = await sql<ExecutionRow>`
    update executions set
      status = 'in_progress', attempt = attempt + 1, token = token + 1, lease_owner = ${owner},
      lease_until = ${now + leaseMs}, started_at = coalesce(started_at, ${now})
    where seq in (
      select seq from executions ${traits.walk("executions_ready")}
      where status = 'pending' and gate = 0 and lane = ${lane}
      order by priority, seq limit ${limit} ${traits.skipLocked})
    returning *`.execute(tx);
  return rows;
}

async function readBodies(tx: Tx, rows: readonly ExecutionRow[]): Promise<Map<EventKey, Uint8Array>> {
  const keys = [...new Set(rows.map((row) => row.event_key))];
  if (keys.length === 0) return new Map();
  const bodies = await tx.selectFrom("bodies").select(["key", "body"]).where("key", "in", padded(keys)).execute();
  return new Map(bodies.map(({ key, body }) => [key, body]));
}
