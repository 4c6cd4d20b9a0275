import { sql } from "kysely";
import type { Lane } from "../../executions/lanes.ts";
import type { InstanceId } from "../../foundation/ids.ts";
import type { ClaimRequest } from "../leases.ts";
import type { ExecutionRow } from "./execution-rows.ts";
import { giveBack } from "./give-back.ts";
import { type ClaimHolds, holdTurns, nameOf, type OpenTurn } from "./hold-turns.ts";
import { readOnLost } from "./on-lost.ts";
import { Statement } from "./statement.ts";
import type { StoreContext, Tx } from "./store-context.ts";
import { type TurnsTable, turnStates } from "./tables.ts";
import { recordStarts } from "./throttle.ts";
import { isThrottled, roomFor } from "./turn-room.ts";
import type { TurnKey } from "./turns.ts";

/**
 * Claims from one lane by priority, among services of one priority in turn, of one service in the order of routing. Answers them in the order in
 * which they are to begin: where some are claimed ahead, those that may not wait come first.
 */
export async function takeTurns(
  context: StoreContext,
  tx: Tx,
  lane: Lane,
  request: ClaimRequest,
  now: number,
  holds: ClaimHolds,
): Promise<ExecutionRow[]> {
  const claimed: ExecutionRow[] = [];
  const urgent = new Set<ExecutionRow>();
  const isUrgent = (turn: OpenTurn) => Boolean(request.ahead) && !mayWait(turn);
  const atOnce = request.limit - (request.ahead ?? 0);
  // Each pass claims something, or closes a place that is empty, full or throttled, or passes one over: it ends.
  while (claimed.length < request.limit) {
    const limit = request.limit - claimed.length;
    const next = await holdTurns(context, tx, lane, limit, holds);
    if (next === undefined) break;
    if (next.turns.length === 0) continue;
    const shares = sharesOf(next.turns, limit);
    let areOver = next.areAll && shares.size === next.turns.length;
    // What may not wait has the places that there are.
    for (const [turn, share] of [...shares].sort(([a], [b]) => Number(isUrgent(b)) - Number(isUrgent(a)))) {
      const most = isUrgent(turn) ? Math.min(share, atOnce - claimed.length) : share;
      if (most <= 0) {
        holds.passed.add(nameOf(turn));
        continue;
      }
      const { rows, isOver } = await takeTurn(context, tx, turn, { ...request, limit: most }, now);
      claimed.push(...rows);
      for (const row of isUrgent(turn) ? rows : await urgentOf(tx, turn, rows, request)) urgent.add(row);
      areOver &&= isOver;
    }
    if (areOver) break;
  }
  const order = (a: ExecutionRow, b: ExecutionRow) => Number(urgent.has(b)) - Number(urgent.has(a));
  // What an update returns is in no order.
  claimed.sort((a, b) => order(a, b) || a.priority - b.priority || a.seq - b.seq);
  const placeless = request.ahead ? claimed.splice(atOnce, Math.max(0, urgent.size - atOnce)) : [];
  await giveBack(context, tx, placeless, now);
  return claimed;
}

/**
 * Of what was claimed of a service whose runs may wait, those that may not: their own version is another than the active one, and its
 * manifest decides what becomes of them when they are lost.
 */
async function urgentOf(
  tx: Tx,
  { active_version }: OpenTurn,
  rows: readonly ExecutionRow[],
  { ahead }: ClaimRequest,
): Promise<ExecutionRow[]> {
  if (!ahead) return [];
  const others = rows.filter(({ version }) => version !== active_version);
  const onLost = await readOnLost(
    tx,
    others.map(({ version }) => version),
  );
  return others.filter(({ version }) => onLost.get(version) === "fail");
}

/**
 * By its active version, whether what is claimed of it may wait for a place. Given back, a start that a throttle has counted would be used up; and with an
 * executor that is killed what waited there would fail, where the manifest says so of what is lost.
 */
function mayWait(turn: OpenTurn): boolean {
  return !isThrottled(turn) && turn.on_lost !== "fail";
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

/** `isOver`: nothing more can be claimed of it. */
async function takeTurn(
  context: StoreContext,
  tx: Tx,
  turn: OpenTurn,
  request: ClaimRequest,
  now: number,
): Promise<{ rows: ExecutionRow[]; isOver: boolean }> {
  const { project, service, lane, priority, round } = turn;
  const key = { project, service, lane, priority };
  const room = await roomFor(context, tx, turn, request.limit, now);
  if (room.closed !== undefined) {
    await updateTurn.run(context, tx, { state: turnStates[room.closed], round, opens_at: room.opensAt }, key);
    return { rows: [], isOver: true };
  }
  const lease = { owner: request.owner, until: now + request.leaseMs };
  const rows = await takeReady.rows(context, tx, key, room.count, lease, now);
  const isOver = rows.length < room.count;
  const state = isOver ? turnStates.empty : turnStates.open;
  await updateTurn.run(context, tx, { state, round: round + rows.length, opens_at: null }, key);
  if (isThrottled(turn)) await recordStarts(tx, turn, rows.length, now);
  return { rows, isOver };
}

// Apart: a planner that joined the two might look for ready ones more than once, and find more than the limit.
const takeReady = new Statement(
  (
    { traits },
    { project, service, lane, priority }: TurnKey,
    limit: number,
    { owner, until }: { owner: InstanceId; until: number },
    now: number,
  ) => sql<ExecutionRow>`
    with ready as (
      select seq from executions ${traits.walk("executions_ready")}
      where status = 'pending' and gate = 0
        and project = ${project} and service = ${service} and lane = ${lane} and priority = ${priority}
      order by seq limit ${limit} ${traits.skipLocked})
    update executions set
      status = 'in_progress', attempt = attempt + 1, token = token + 1, lease_owner = ${owner},
      lease_until = ${until}, started_at = coalesce(started_at, ${now})
    where seq in (select seq from ready)
    returning *`,
);

const updateTurn = new Statement(
  (_, columns: Pick<TurnsTable, "state" | "round" | "opens_at">, { project, service, lane, priority }: TurnKey) => sql`
    update turns set state = ${columns.state}, round = ${columns.round}, opens_at = ${columns.opens_at}
    where project = ${project} and service = ${service} and lane = ${lane} and priority = ${priority}`,
);
