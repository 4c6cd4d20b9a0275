import { sql } from "kysely";
import type { Lane } from "../../executions/lanes.ts";
import type { VersionId } from "../../foundation/ids.ts";
import type { ServiceName } from "../leases.ts";
import { hold, serviceLock } from "./locks.ts";
import { Statement } from "./statement.ts";
import type { StoreContext, Tx } from "./store-context.ts";
import type { LimitedService } from "./turn-room.ts";
import type { TurnKey } from "./turns.ts";

export interface OpenTurn extends TurnKey, LimitedService {
  round: number;
  /** Null where there is none. */
  active_version: VersionId | null;
  /** Of the active version. */
  on_lost: "retry" | "fail" | null;
}

/** What one claim holds, where several run at once. */
export interface ClaimHolds {
  /** It may wait for a service only as long as this is so: claims then never wait for each other in a circle. */
  nothing: boolean;
  /** Services that another one holds, as rows are passed over that another transaction has locked; those that are not claimed ahead; and those not to be claimed from. */
  passed: Set<string>;
}

/** Of one service in one lane. */
const maxTurns = 10;

/** Turns of one priority. */
export interface NextTurns {
  turns: OpenTurn[];
  /** None is left in the lane beside them, but those that are passed over. */
  areAll: boolean;
}

/**
 * The turns that are next, with their services held. Empty where those turned out to be taken or closed, so that it is
 * to be asked again; undefined where there are none.
 */
export async function holdTurns(
  context: StoreContext,
  tx: Tx,
  lane: Lane,
  limit: number,
  holds: ClaimHolds,
): Promise<NextTurns | undefined> {
  const next = await nextTurns(context, tx, lane, limit, holds);
  const wanted = next.turns;
  if (wanted.length === 0) return undefined;
  const { locks } = context.traits;
  if (locks === undefined) return next;
  const taken = await locks.tryTake(tx, wanted.map(serviceLock));
  const [first] = wanted;
  if (first !== undefined && holds.nothing && !taken.includes(true)) {
    taken[0] = await hold(context, tx, [serviceLock(first)]);
  }
  holds.nothing &&= !taken.includes(true);
  const held = new Set<string>();
  for (const [index, turn] of wanted.entries()) (taken[index] ? held : holds.passed).add(nameOf(turn));
  // As they are now that nobody else changes them.
  const { turns, areAll } = await nextTurns(context, tx, lane, limit, holds);
  const ours = turns.filter((turn) => held.has(nameOf(turn)));
  return { turns: ours, areAll: areAll && ours.length === turns.length };
}

// Literals, not parameters, where a partial index is to be found by its condition.
const selectTurns = new Statement(
  ({ traits }, lane: Lane, limit: number) => sql<OpenTurn>`
    select t.project, t.service, t.lane, t.priority, t.round,
      s.concurrency, s.throttle_limit, s.throttle_period_ms, s.active_version, v.on_lost
    from turns t ${traits.walk("turns_open")}
    left join services s on s.project = t.project and s.name = t.service
    left join versions v on v.id = s.active_version
    where t.state = 0 and t.lane = ${lane}
    order by t.priority, t.round, t.project, t.service limit ${limit}`,
);

/** Of the highest priority that has any, those with the lowest rounds. */
async function nextTurns(
  context: StoreContext,
  tx: Tx,
  lane: Lane,
  limit: number,
  { passed }: ClaimHolds,
): Promise<NextTurns> {
  const atMost = limit + passed.size * maxTurns;
  const rows = await selectTurns.rows(context, tx, lane, atMost);
  const open = rows.filter((turn) => !passed.has(nameOf(turn)));
  const turns = open.filter(({ priority }) => priority === open[0]?.priority).slice(0, limit);
  return { turns, areAll: rows.length < atMost && turns.length === open.length };
}

export function nameOf({ project, service }: ServiceName): string {
  return `${project}/${service}`;
}
