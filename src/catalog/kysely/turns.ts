import { type RawBuilder, sql } from "kysely";
import { Statement } from "./statement.ts";
import type { StoreContext, Tx } from "./store-context.ts";
import { type TurnsTable, turnStates } from "./tables.ts";

/**
 * Claims go round the services that have executions to claim in one lane at one priority, as start-time fair
 * queueing does (Goyal, Vin and Cheng 1996): the service with the lowest round is next, each execution claimed
 * adds one to its round, and who comes back begins where the others stand. So nobody's absence is saved up, and
 * nobody passes the others by leaving and coming back.
 */
export type TurnKey = Pick<TurnsTable, "project" | "service" | "lane" | "priority">;

/** To be called in the transaction that makes executions claimable: from then on their services get a turn. */
export async function joinTurns(tx: Tx, executions: readonly TurnKey[]): Promise<void> {
  for (const { project, service, lane, priority } of distinct(executions, keyOf)) {
    await sql`
      insert into turns (project, service, lane, priority, state, round)
      values (${project}, ${service}, ${lane}, ${priority}, ${turnStates.open}, ${roundNow(sql`${lane}`, sql`${priority}`)})
      on conflict (project, service, lane, priority) do update set state = ${turnStates.open},
        round = case when turns.round > excluded.round then turns.round else excluded.round end
      where turns.state = ${sql.lit(turnStates.empty)}`.execute(tx);
  }
}

/** To be called in the transaction in which runs of these services end: what waited for their places gets its turn. Answers whether anything did. */
export async function reopenFull(
  context: StoreContext,
  tx: Tx,
  services: readonly Pick<TurnKey, "project" | "service">[],
): Promise<boolean> {
  let found = false;
  for (const { project, service } of distinct(services, ({ project, service }) => `${project}/${service}`)) {
    // There seldom is any: most services have no limit.
    const full = await selectFull.rows(context, tx, project, service);
    if (full.length > 0 && (await giveTurn(tx, ofState(project, service, turnStates.full)))) found = true;
  }
  return found;
}

const selectFull = new Statement(
  (_, project: string, service: string) =>
    sql<{ one: number }>`select 1 as one from turns where ${ofState(project, service, turnStates.full)} limit 1`,
);

function ofState(project: string, service: string, state: number): RawBuilder<unknown> {
  return sql`project = ${project} and service = ${service} and state = ${sql.lit(state)}`;
}

/** To be called in the transaction that changes the limits of a service, so that the next claim looks at them anew. */
export async function reopenLimited(tx: Tx, { project, service }: Pick<TurnKey, "project" | "service">): Promise<void> {
  const limited = [turnStates.full, turnStates.throttled];
  await reopen(tx, sql`project = ${project} and service = ${service} and state in (${sql.join(limited)})`);
}

/** Lets those get their turn whose throttle has opened; and those that could not wait so long: the clock was set back. */
export async function reopenThrottled(tx: Tx, now: number): Promise<void> {
  await reopen(tx, throttleOpens(now));
}

export function throttleOpens(now: number): RawBuilder<unknown> {
  const periodMs = sql`(select throttle_period_ms from services
    where services.project = turns.project and services.name = turns.service)`;
  return sql`state = 3 and (opens_at <= ${now} or opens_at > ${now} + coalesce(${periodMs}, 0))`;
}

/** Looks first: there seldom is any, and the look costs a quarter of the change. */
async function reopen(tx: Tx, which: RawBuilder<unknown>): Promise<void> {
  const { rows } = await sql`select 1 as one from turns where ${which} limit 1`.execute(tx);
  if (rows.length > 0) await giveTurn(tx, which);
}

/** Answers whether there was any. */
async function giveTurn(tx: Tx, which: RawBuilder<unknown>): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    update turns set state = ${turnStates.open}, opens_at = null, round = ${caughtUp}
    where ${which}`.execute(tx);
  return numAffectedRows > 0n;
}

/** Where the others stand: the lowest round of those whose turn may come, or where the last of them stood. */
function roundNow(lane: RawBuilder<unknown>, priority: RawBuilder<unknown>): RawBuilder<number> {
  return sql<number>`coalesce(
    (select min(others.round) from turns others
      where others.lane = ${lane} and others.priority = ${priority} and others.state = 0),
    (select max(others.round) from turns others where others.lane = ${lane} and others.priority = ${priority}), 0)`;
}

/** Of the row that is updated. */
const caughtUp = (() => {
  const others = roundNow(sql`turns.lane`, sql`turns.priority`);
  return sql`case when round > ${others} then round else ${others} end`;
})();

function keyOf({ project, service, lane, priority }: TurnKey): string {
  return `${project}/${service} ${lane} ${priority}`;
}

function distinct<Item>(items: readonly Item[], keyOf: (item: Item) => string): Iterable<Item> {
  return new Map(items.map((item) => [keyOf(item), item])).values();
}
