import { sql } from "kysely";
import { PlatformError } from "../../foundation/errors.ts";
import type { DeletedService } from "../services.ts";
import { endPending } from "./end-pending.ts";
import type { ExecutionRow } from "./execution-rows.ts";
import { moveLinkEpoch } from "./link-epoch.ts";
import { hold, linksLock, serviceLock } from "./locks.ts";
import { requireService } from "./service-rows.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";

/** Executions read into memory at once; the transaction is one all the same. */
const chunk = 1000;

/** What cancelled executions tell, where nobody finds the service any more to ask. */
const reason = "its service was deleted";

interface Owner {
  project: string;
  service: string;
}

export function deleteService(
  context: StoreContext,
  owner: Owner,
  { onlyEnded = false }: { onlyEnded?: boolean } = {},
): Promise<DeletedService> {
  const { project, service } = owner;
  return inTransaction(context, async (tx, now) => {
    await hold(context, tx, [linksLock, serviceLock(owner)]);
    await requireService(tx, project, service);
    if (onlyEnded) await refuseUnended(tx, owner);
    let pending = 0;
    for (;;) {
      const waiting = await readPending(tx, owner);
      pending += (await endPending(context, tx, waiting, { kind: "cancelled", reason }, now)).length;
      if (waiting.length < chunk) break;
    }
    const stopped = await tx
      .updateTable("executions")
      .set({ cancel_requested: 1, skip_reason: reason })
      .where("project", "=", project)
      .where("service", "=", service)
      .where("status", "=", "in_progress")
      .where("finished_at", "is", null)
      .executeTakeFirst();
    for (const table of ["turns", "throttle_starts", "schedule_misses"] as const) {
      await tx.deleteFrom(table).where("project", "=", project).where("service", "=", service).execute();
    }
    const jobs = await tx
      .deleteFrom("jobs")
      .where("project", "=", project)
      .where("service", "=", service)
      .returning("status")
      .execute();
    const links = await tx
      .deleteFrom("links")
      .where("project", "=", project)
      .where("service", "=", service)
      .returning("removed")
      .execute();
    const versions = await tx
      .deleteFrom("versions")
      .where("project", "=", project)
      .where("name", "=", service)
      .executeTakeFirst();
    await tx.deleteFrom("services").where("project", "=", project).where("name", "=", service).execute();
    await moveLinkEpoch(tx);
    return {
      versions: Number(versions.numDeletedRows),
      // One that a person removed is kept as removed, and counts no more.
      links: links.filter(({ removed }) => removed === 0).length,
      jobs: jobs.filter(({ status }) => status === "pending").length,
      pending,
      running: Number(stopped.numUpdatedRows),
    };
  });
}

async function refuseUnended(tx: Tx, { project, service }: Owner): Promise<void> {
  const counts = await tx
    .selectFrom("executions")
    .select((select) => ["status", select.fn.countAll<number | string>().as("count")])
    .where("project", "=", project)
    .where("service", "=", service)
    .where("finished_at", "is", null)
    .groupBy("status")
    .execute();
  const of = (status: string) => Number(counts.find((row) => row.status === status)?.count ?? 0);
  const running = of("in_progress");
  const waiting = of("pending");
  if (running + waiting === 0) return;
  const told = `${running + waiting} of its executions ${running + waiting === 1 ? "has" : "have"} not ended (${running} running, ${waiting} waiting)`;
  throw new PlatformError("conflict", `${project}/${service} is not deleted: ${told}, and would be cancelled`);
}

async function readPending(tx: Tx, { project, service }: Owner): Promise<ExecutionRow[]> {
  const { rows } = await sql<ExecutionRow>`
    select * from executions
    where project = ${project} and service = ${service} and finished_at is null and status = 'pending'
    order by replay_id, seq limit ${chunk}`.execute(tx);
  return rows;
}
