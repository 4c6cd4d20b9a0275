import { sql } from "kysely";
import type { ExecutionId } from "../../foundation/ids.ts";
import type { WaitReason } from "../executions.ts";
import { type ExecutionRow, readExecution } from "./execution-rows.ts";
import { readService } from "./service-rows.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";
import { gates } from "./tables.ts";
import { roomFor } from "./turn-room.ts";

/** As a claim would find it now, not as the last one left it. */
export function waitReasonOf(context: StoreContext, id: ExecutionId): Promise<WaitReason | undefined> {
  return inTransaction(context, async (tx, now) => {
    const row = await readExecution(tx, id);
    if (row?.status !== "pending") return undefined;
    if (row.gate === gates.blocked) return { kind: "key", behind: await headOf(context, tx, row) };
    if (row.not_before > now) return { kind: "time", until: row.not_before };
    const service = await readService(tx, row.project, row.service);
    if (service === undefined) return { kind: "slot" };
    const { closed, opensAt } = await roomFor(context, tx, { ...service, service: service.name }, 1, now);
    if (closed === "full") return { kind: "concurrency", limit: service.concurrency as number };
    return closed === "throttled" ? { kind: "throttle", until: opensAt } : { kind: "slot" };
  });
}

async function headOf(
  { traits }: StoreContext,
  tx: Tx,
  { project, service, concurrency_key: key }: ExecutionRow,
): Promise<ExecutionId | undefined> {
  const { rows } = await sql<{ id: ExecutionId }>`
    select id from executions ${traits.walk("executions_keyed")}
    where project = ${project} and service = ${service} and concurrency_key = ${key}
      and concurrency_key is not null and finished_at is null
    order by seq limit 1`.execute(tx);
  return rows[0]?.id;
}
