import { sql } from "kysely";
import { type Lane, lanes } from "../../executions/lanes.ts";
import { lifecycleEvent } from "../../executions/lifecycle-events.ts";
import { invariant } from "../../foundation/assert.ts";
import type { EventKey } from "../../foundation/ids.ts";
import type { ClaimedExecution, ClaimRequest, ServiceName } from "../leases.ts";
import { padded } from "./bulk-insert.ts";
import { type ExecutionRow, executionOf } from "./execution-rows.ts";
import { nameOf } from "./hold-turns.ts";
import { holdServices } from "./locks.ts";
import { announce } from "./outbox.ts";
import { isAnnounced } from "./replay-rows.ts";
import { Statement } from "./statement.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";
import { gates } from "./tables.ts";
import { takeTurns } from "./take-turns.ts";
import { joinTurns, reopenThrottled, type TurnKey, throttleOpens } from "./turns.ts";

export function claim(context: StoreContext, request: ClaimRequest): Promise<ClaimedExecution[]> {
  return inTransaction(context, async (tx, now) => {
    const [found] = await lookAt.rows(context, tx, now);
    invariant(found, "a look answers a row");
    const holdsDue = (found.throttled || found.delayed) && (await holdDue(context, tx, now));
    const holds = { nothing: !holdsDue, passed: new Set(request.except?.map(nameOf)) };
    if (found.throttled) await reopenThrottled(tx, now);
    if (found.delayed) await openDelayed(context, tx, now);
    const rows: ExecutionRow[] = [];
    for (const lane of new Set(request.lanes)) {
      if (!(found[lane] || found.throttled || found.delayed)) continue;
      const limit = request.limit - rows.length;
      if (limit <= 0) break;
      const ahead = Math.min(request.ahead ?? 0, limit);
      rows.push(...(await takeTurns(context, tx, lane, { ...request, limit, ahead }, now, holds)));
    }
    const bodies = await readBodies(context, tx, rows);
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

type Look = Record<"throttled" | "delayed" | Lane, number | boolean>;

/** Where there may be something to do: one statement in place of one for each place. */
const lookAt = new Statement(({ traits }, now: number) => {
  const open = lanes.map(
    (lane) => sql`
      exists(select 1 from turns ${traits.walk("turns_open")} where state = 0 and lane = ${lane}) as ${sql.ref(lane)}`,
  );
  return sql<Look>`
    select
      exists(select 1 from turns ${traits.walk("turns_throttled")} where state = 3) as throttled,
      exists(select 1 from executions ${traits.walk("executions_delayed")}
        where status = 'pending' and gate = 1 and not_before <= ${now}) as delayed,
      ${sql.join(open)}`;
});

/** Services of what is about to be opened. Before all else, when nothing is held yet that others might wait for. */
async function holdDue(context: StoreContext, tx: Tx, now: number): Promise<boolean> {
  if (context.traits.locks === undefined) return false;
  const { rows } = await sql<ServiceName>`
    select project, service from executions where status = 'pending' and gate = 1 and not_before <= ${now}
    union select project, service from turns where ${throttleOpens(now)}`.execute(tx);
  return holdServices(context, tx, rows);
}

/** Those whose time has come join the ready ones; then a claim walks over none that it must leave. */
async function openDelayed({ traits }: StoreContext, tx: Tx, now: number): Promise<void> {
  const { rows } = await sql<TurnKey>`
    update executions ${traits.walk("executions_delayed")} set gate = ${gates.ready}
    where status = 'pending' and gate = 1 and not_before <= ${now}
    returning project, service, lane, priority`.execute(tx);
  await joinTurns(tx, rows);
}

const selectBodies = new Statement(({ tx }, keys: readonly EventKey[]) =>
  tx.selectFrom("bodies").select(["key", "body"]).where("key", "in", keys),
);

async function readBodies(
  context: StoreContext,
  tx: Tx,
  rows: readonly ExecutionRow[],
): Promise<Map<EventKey, Uint8Array>> {
  const keys = [...new Set(rows.map((row) => row.event_key))];
  if (keys.length === 0) return new Map();
  const bodies = await selectBodies.rows(context, tx, padded(keys));
  return new Map(bodies.map(({ key, body }) => [key, body]));
}
