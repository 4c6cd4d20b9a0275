import { sql } from "kysely";
import type { StoreContext, Tx } from "./store-context.ts";
import { gates } from "./tables.ts";
import { joinTurns, type TurnKey } from "./turns.ts";

export interface ConcurrencyKey {
  project: string;
  service: string;
  concurrency_key: string | null;
}

/**
 * Lets the earliest unfinished execution of each key be claimed (rule D5); the others stay blocked.
 * To be called in the transaction that adds executions to a key or ends one of it. A head that is
 * delayed or running keeps its key as it is. Answers whether there was one to let.
 */
export async function unblockHeads(
  { traits }: StoreContext,
  tx: Tx,
  executions: readonly ConcurrencyKey[],
): Promise<boolean> {
  let found = false;
  const seen = new Set<string>();
  for (const { project, service, concurrency_key: key } of executions) {
    if (key === null) continue;
    const name = JSON.stringify([project, service, key]);
    if (seen.has(name)) continue;
    seen.add(name);
    const { rows } = await sql<TurnKey>`
      update executions set gate = ${gates.ready}
      where gate = ${gates.blocked} and seq = (
        select seq from executions ${traits.walk("executions_keyed")}
        where project = ${project} and service = ${service} and concurrency_key = ${key}
          and concurrency_key is not null and finished_at is null
        order by seq limit 1)
      returning project, service, lane, priority`.execute(tx);
    await joinTurns(tx, rows);
    found ||= rows.length > 0;
  }
  return found;
}
