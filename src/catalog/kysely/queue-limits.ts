import { sql } from "kysely";
import type { ExecutionId } from "../../foundation/ids.ts";
import type { QueuePolicy } from "../../services/manifest.ts";
import { endPending } from "./end-pending.ts";
import type { ExecutionRow } from "./execution-rows.ts";
import type { StoreContext, Tx } from "./store-context.ts";

/**
 * Most that one call drops beyond what it adds: where a limit is new or was lowered while many waited, they go
 * in steps, so that no transaction takes long.
 */
const maxDroppedBeyond = 1000;

interface AddedExecution {
  id: ExecutionId;
  project: string;
  service: string;
  replay_id: string | null;
}

interface Queue {
  project: string;
  service: string;
  limit: number;
  policy: QueuePolicy;
  added: ExecutionId[];
}

/**
 * To be called in the transaction that adds executions, once they are in: what a service's queue has no room
 * for ends as skipped, with the reason and its event. Nothing that has begun is dropped, and replays neither
 * count nor go: they are bounded already, and must not push out live work. Answers how many were skipped.
 */
export async function keepQueues(
  context: StoreContext,
  tx: Tx,
  added: readonly AddedExecution[],
  now: number,
): Promise<number> {
  let skipped = 0;
  for (const queue of await limitedQueues(tx, added)) {
    const excess = await excessOf(context, tx, queue);
    if (excess <= 0) continue;
    const rejects = queue.policy === "reject";
    const rows = rejects ? await newest(tx, queue, excess) : await oldest(context, tx, queue, excess);
    const ended = await endPending(context, tx, rows, { kind: "skipped", reason: reasonFor(queue) }, now);
    skipped += ended.length;
  }
  return skipped;
}

function reasonFor({ project, service, limit, policy }: Queue): string {
  const full = `the queue of ${project}/${service} was full: its manifest lets ${limit} wait (queue.limit)`;
  return `${full}, and ${policy === "reject" ? "this one came when it was" : "newer ones came"}`;
}

async function limitedQueues(tx: Tx, added: readonly AddedExecution[]): Promise<Queue[]> {
  const live = added.filter(({ replay_id }) => replay_id === null);
  const byService = Map.groupBy(live, ({ project, service }) => `${project}/${service}`);
  const queues: Queue[] = [];
  for (const executions of byService.values()) {
    const [{ project, service }] = executions as [AddedExecution];
    const { rows } = await sql<{ limit: number; policy: QueuePolicy }>`
      select queue_limit as "limit", queue_policy as policy from services
      where project = ${project} and name = ${service} and queue_limit is not null`.execute(tx);
    for (const limits of rows) queues.push({ ...limits, project, service, added: executions.map(({ id }) => id) });
  }
  return queues;
}

async function excessOf({ traits }: StoreContext, tx: Tx, { project, service, limit, added }: Queue): Promise<number> {
  const counted = limit + added.length + maxDroppedBeyond;
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from (
      select 1 as one from executions ${traits.walk("executions_open")}
      where project = ${project} and service = ${service} and status = 'pending' and replay_id is null
        and finished_at is null
      limit ${counted}) as counted`.execute(tx);
  return Number(rows[0]?.n ?? 0) - limit;
}

/** Of those just added: who waits already is not refused any more. */
async function newest(tx: Tx, { added }: Queue, count: number): Promise<ExecutionRow[]> {
  const rows: ExecutionRow[] = [];
  for (let to = added.length; to > 0 && rows.length < count; to -= 1) {
    const row = await tx
      .selectFrom("executions")
      .selectAll()
      .where("id", "=", added[to - 1] as ExecutionId)
      .where("status", "=", "pending")
      .executeTakeFirst();
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

async function oldest(
  { traits }: StoreContext,
  tx: Tx,
  { project, service }: Queue,
  count: number,
): Promise<ExecutionRow[]> {
  const { rows } = await sql<ExecutionRow>`
    select * from executions ${traits.walk("executions_open")}
    where project = ${project} and service = ${service} and status = 'pending' and replay_id is null
      and finished_at is null and attempt = 0
    order by seq limit ${count}`.execute(tx);
  return rows;
}
