import { sql } from "kysely";
import { endPending } from "./end-pending.ts";
import type { ExecutionRow } from "./execution-rows.ts";
import { moveLinkEpoch } from "./link-epoch.ts";
import { hold, linksLock, serviceLock } from "./locks.ts";
import { requireService } from "./service-rows.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";

/** Executions read into memory at once; the transaction is one all the same. */
const chunk = 1000;

export function deleteService(context: StoreContext, project: string, name: string): Promise<void> {
  return inTransaction(context, async (tx, now) => {
    await hold(context, tx, [linksLock, serviceLock({ project, service: name })]);
    await requireService(tx, project, name);
    for (;;) {
      const pending = await readPending(tx, project, name);
      await endPending(context, tx, pending, { kind: "cancelled" }, now);
      if (pending.length < chunk) break;
    }
    await tx
      .updateTable("executions")
      .set({ cancel_requested: 1 })
      .where("project", "=", project)
      .where("service", "=", name)
      .where("status", "=", "in_progress")
      .where("finished_at", "is", null)
      .execute();
    await tx.deleteFrom("turns").where("project", "=", project).where("service", "=", name).execute();
    await tx.deleteFrom("throttle_starts").where("project", "=", project).where("service", "=", name).execute();
    await tx.deleteFrom("jobs").where("project", "=", project).where("service", "=", name).execute();
    await tx.deleteFrom("schedule_misses").where("project", "=", project).where("service", "=", name).execute();
    await tx.deleteFrom("links").where("project", "=", project).where("service", "=", name).execute();
    await tx.deleteFrom("versions").where("project", "=", project).where("name", "=", name).execute();
    await tx.deleteFrom("services").where("project", "=", project).where("name", "=", name).execute();
    await moveLinkEpoch(tx);
  });
}

async function readPending(tx: Tx, project: string, name: string): Promise<ExecutionRow[]> {
  const { rows } = await sql<ExecutionRow>`
    select * from executions
    where project = ${project} and service = ${name} and finished_at is null and status = 'pending'
    order by replay_id, seq limit ${chunk}`.execute(tx);
  return rows;
}
