import { sql } from "kysely";
import type { Lane } from "../../executions/lanes.ts";
import type { ClaimRequest } from "../leases.ts";
import type { ExecutionRow } from "./execution-rows.ts";
import { type ClaimHolds, holdTurns, type OpenTurn } from "./hold-turns.ts";
import type { StoreContext, Tx } from "./store-context.ts";
import { turnStates } from "./tables.ts";
import { recordStarts } from "./throttle.ts";
import { isThrottled, roomFor } from "./turn-room.ts";
import type { TurnKey } from "./turns.ts";

/** Claims from one lane by priority, among services of one priority in turn, of one service in the order of routing. */
export async function takeTurns(
  context: StoreContext,
  tx: Tx,
  lane: Lane,
  request: ClaimRequest,
  now: number,
  holds: ClaimHolds,
): Promise<ExecutionRow[]> {
  const claimed: ExecutionRow[] = [];
  // Each pass claims something, or closes a place that is empty, full or throttled, or passes one over: it ends.
  while (claimed.length < request.limit) {
    const limit = request.limit - claimed.length;
    const turns = await holdTurns(context, tx, lane, limit, holds);
    if (turns === undefined) break;
    if (turns.length === 0) continue;
    for (const [turn, share] of sharesOf(turns, limit)) {
      claimed.push(...(await takeTurn(context, tx, turn, { ...request, limit: share }, now)));
    }
  }
  return claimed;
}

/** One by one to whoever stands at the lowest round. */
function sharesOf(turns: readonly OpenTurn[], limit: number): Map<OpenTurn, number> {
  const shares = new Map<OpenTurn, number>();
  const [only] = turns;
  if (only !== undefined && turns.length === 1) return shares.set(only, limit);
  const roundOf = (turn: OpenTurn) => turn.round + (shares.get(turn) ?? 0);
  for (let n = 0; n < limit; n += 1) {
    const next = turns.reduce((lowest, turn) => (roundOf(turn) < roundOf(lowest) ? turn : lowest));
    shares.set(next, (shares.get(next) ?? 0) + 1);
  }
  return shares;
}

async function takeTurn(
  context: StoreContext,
  tx: Tx,
  turn: OpenTurn,
  request: ClaimRequest,
  now: number,
): Promise<ExecutionRow[]> {
  const room = await roomFor(context, tx, turn, request.limit, now);
  if (room.closed !== undefined) {
    await writeTurn(tx, turn, { state: turnStates[room.closed], opens_at: room.opensAt });
    return [];
  }
  const rows = await take(context, tx, turn, { ...request, limit: room.count }, now);
  const state = rows.length < room.count ? turnStates.empty : turnStates.open;
  await writeTurn(tx, turn, { state, round: turn.round + rows.length });
  if (isThrottled(turn)) await recordStarts(tx, turn, rows.length, now);
  return rows;
}

async function take(
  { traits }: StoreContext,
  tx: Tx,
  { project, service, lane, priority }: TurnKey,
  { owner, limit, leaseMs }: ClaimRequest,
  now: number,
): Promise<ExecutionRow[]> {
  // Apart: a planner that joined the two might look for ready ones more than once, and find more than the limit.
  const { rows } = await sql<ExecutionRow>`
    with ready as (
      select seq from executions ${traits.walk("executions_ready")}
      where status = 'pending' and gate = 0
        and project = ${project} and service = ${service} and lane = ${lane} and priority = ${priority}
      order by seq limit ${limit} ${traits.skipLocked})
    update executions set
      status = 'in_progress', attempt = attempt + 1, token = token + 1, lease_owner = ${owner},
      lease_until = ${now + leaseMs}, started_at = coalesce(started_at, ${now})
    where seq in (select seq from ready)
    returning *`.execute(tx);
  return rows;
}

async function writeTurn(
  tx: Tx,
  { project, service, lane, priority, round: before }: OpenTurn,
  { state, opens_at = null, round = before }: { state: number; opens_at?: number | null; round?: number },
): Promise<void> {
  await sql`
    update turns set state = ${state}, round = ${round}, opens_at = ${opens_at}
    where project = ${project} and service = ${service} and lane = ${lane} and priority = ${priority}`.execute(tx);
}
