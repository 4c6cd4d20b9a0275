import { sql } from "kysely";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { isPlatformError } from "../../foundation/errors.ts";
import type { EventKey, ExecutionId } from "../../foundation/ids.ts";
import type { RetentionStore } from "../retention.ts";
import { padded } from "./bulk-insert.ts";
import { deleteCaptured } from "./captured-effects.ts";
import { historyLock, hold } from "./locks.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";

/** Each table in a transaction of its own, so that routing and claims get their turn in between. */
export function retentionStore(context: StoreContext): RetentionStore {
  const { stepDays } = context.traits;
  const step = (work: (tx: Tx, now: number) => Promise<number>) =>
    inTransaction(context, async (tx, now) => {
      await hold(context, tx, [historyLock]);
      return work(tx, now);
    });
  const unlessBusy = async (work: (tx: Tx, now: number) => Promise<number>) => {
    try {
      return await step(work);
    } catch (error) {
      // Somebody works on what would change: another time.
      if (isPlatformError(error, "unavailable")) return 0;
      throw error;
    }
  };
  return {
    async alone(work) {
      if (context.retainAlone !== undefined) return context.retainAlone(work);
      await work();
      return true;
    },

    async prune({ ledgerMs, bodiesMs, executionsMs }, limit) {
      let pruned = 0;
      await unlessBusy(async (tx, now) => {
        await stepDays?.makeAhead(tx, now);
        return 0;
      });
      const executions = await step((tx, now) => pruneExecutions(context, tx, now - executionsMs, limit));
      pruned += executions;
      // Once no execution is left to go: the days of those that went.
      if (stepDays !== undefined && executions === 0) {
        pruned += await unlessBusy((tx, now) => stepDays.dropBefore(tx, now - executionsMs));
        pruned += await unlessBusy((tx, now) => stepDays.deleteOrphans(tx, now - executionsMs, limit));
      }
      pruned += await step((tx, now) => stripBodies(tx, now - bodiesMs, limit));
      pruned += await step((tx, now) => pruneLedger(tx, now - ledgerMs, limit));
      pruned += await step((tx, now) => pruneRunRequests(tx, now - Math.max(ledgerMs, executionsMs), limit));
      pruned += await step((tx, now) => pruneOld(tx, "schedule_misses", "recorded_at", now - ledgerMs, limit));
      pruned += await step((tx, now) => pruneJobs(tx, now - executionsMs, limit));
      pruned += await step((tx, now) => pruneOld(tx, "batches", "decided_at", now - ledgerMs, limit));
      pruned += await step((tx, now) => pruneOld(tx, "replays", "created_at", now - executionsMs, limit));
      pruned += await step((tx, now) => pruneOld(tx, "alert_episodes", "resolved_at", now - executionsMs, limit));
      pruned += await step((tx, now) => pruneOld(tx, "flows", "updated_at", now - executionsMs, limit));
      return pruned;
    },
  };
}

/** Ended ones only: what is still to run is never too old. */
async function pruneExecutions({ traits }: StoreContext, tx: Tx, before: number, limit: number): Promise<number> {
  const { rows } = await sql<{ id: ExecutionId; event_key: EventKey }>`
    select id, event_key from executions
    where created_at < ${before} and finished_at is not null order by created_at, seq limit ${limit}`.execute(tx);
  if (rows.length === 0) return 0;
  const ids = padded(rows.map(({ id }) => id));
  const goesWithItsDay = await traits.stepDays?.holders(tx);
  const apart = goesWithItsDay === undefined ? ids : ids.filter((id) => !goesWithItsDay(id));
  if (apart.length > 0) await tx.deleteFrom("steps").where("execution_id", "in", padded(apart)).execute();
  await deleteCaptured(tx, ids);
  await tx.deleteFrom("executions").where("id", "in", ids).execute();
  await dropBodies(
    tx,
    rows.map(({ event_key }) => event_key),
  );
  return rows.length;
}

/**
 * Takes the data out of old events and leaves their attributes, so that the ledger can still show
 * what an event was. An event whose executions are not all ended keeps its data: they need it.
 */
async function stripBodies(tx: Tx, before: number, limit: number): Promise<number> {
  const { rows } = await sql<{ key: EventKey; body: Uint8Array }>`
    select key, body from bodies
    where stripped = 0 and stored_at < ${before} and not exists (
      select 1 from executions where event_key = bodies.key and finished_at is null)
    order by stored_at limit ${limit}`.execute(tx);
  for (const { key, body } of rows) {
    const { data: _data, data_base64: _base64, ...attributes } = JSON.parse(Buffer.from(body).toString()) as CloudEvent;
    const stripped = { body: Buffer.from(JSON.stringify(attributes)), stripped: 1 };
    await tx.updateTable("bodies").set(stripped).where("key", "=", key).execute();
  }
  return rows.length;
}

async function pruneLedger(tx: Tx, before: number, limit: number): Promise<number> {
  const { rows } = await sql<{ seq: number; key: EventKey }>`
    select seq, key from ledger where received_at < ${before} and decided_at < ${before}
    order by received_at, seq limit ${limit}`.execute(tx);
  if (rows.length === 0) return 0;
  const keys = rows.map(({ key }) => key);
  await tx.deleteFrom("ledger").where("key", "in", padded(keys)).execute();
  await dropBodies(tx, keys);
  return rows.length;
}

/** Bodies that neither the ledger nor an execution names any more. */
async function dropBodies(tx: Tx, keys: readonly EventKey[]): Promise<void> {
  await sql`
    delete from bodies where key in (${sql.join(padded(keys))})
      and not exists (select 1 from ledger where ledger.key = bodies.key)
      and not exists (select 1 from executions where executions.event_key = bodies.key)`.execute(tx);
}

async function pruneOld(
  tx: Tx,
  table: "schedule_misses" | "replays" | "batches" | "flows" | "alert_episodes",
  column: "created_at" | "recorded_at" | "decided_at" | "updated_at" | "resolved_at",
  before: number,
  limit: number,
): Promise<number> {
  const keys = {
    schedule_misses: ["project", "service", "first_at"],
    replays: ["id"],
    batches: ["id"],
    flows: ["correlation_id"],
    alert_episodes: ["id"],
  }[table];
  const key = sql.join(keys.map((column) => sql.ref(column)));
  const result = await sql`
    delete from ${sql.table(table)} where (${key}) in (
      select ${key} from ${sql.table(table)}
      where ${sql.ref(column)} < ${before} order by ${sql.ref(column)} limit ${limit})`.execute(tx);
  return Number(result.numAffectedRows ?? 0n);
}

/** While there is its execution, who asks again must find it (rule D17). */
async function pruneRunRequests(tx: Tx, before: number, limit: number): Promise<number> {
  const result = await sql`
    delete from run_requests where key in (
      select key from run_requests where created_at < ${before}
        and not exists (select 1 from executions where executions.id = run_requests.execution_id)
      order by created_at limit ${limit})`.execute(tx);
  return Number(result.numAffectedRows ?? 0n);
}

/**
 * Those that are done: one that is pending is never too old, and that of an execution that has not ended may be
 * asked for again by its next attempt, which must find it (rule D18).
 */
async function pruneJobs(tx: Tx, before: number, limit: number): Promise<number> {
  const result = await sql`
    delete from jobs where id in (
      select id from jobs where status <> 'pending' and created_at < ${before}
        and not exists (select 1 from executions e where e.id = jobs.execution_id and e.finished_at is null)
      order by created_at limit ${limit})`.execute(tx);
  return Number(result.numAffectedRows ?? 0n);
}
