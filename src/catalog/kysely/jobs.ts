import { sql } from "kysely";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { derivedEventId } from "../../events/event-key.ts";
import { retryDueEvent } from "../../events/platform-events.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { VersionId } from "../../foundation/ids.ts";
import type { JsonObject } from "../../foundation/json.ts";
import type { Job, JobStore } from "../jobs.ts";
import type { HeldLease } from "../leases.ts";
import { cursorOf, pageOf } from "./cursor.ts";
import type { ExecutionRow } from "./execution-rows.ts";
import { readHeld } from "./held-leases.ts";
import { holdForRun, holdServices } from "./locks.ts";
import { requestRun } from "./run-requests.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";
import type { JobsTable } from "./tables.ts";

export function jobStore(context: StoreContext): JobStore {
  const { db, traits } = context;
  return {
    put: (lease, at, parameters) =>
      inTransaction(context, async (tx, now) => {
        const execution = await requireHeld(context, tx, lease);
        const id = derivedEventId("job", execution.id);
        const job = await newJob(tx, id, execution, { at, parameters, now });
        const there = await tx.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirst();
        if (there !== undefined) {
          // What is done, or a person's word, stays: a repeated attempt asks again.
          if (there.status !== "pending") return jobOf(there);
          const { event } = job;
          await tx
            .updateTable("jobs")
            .set({ at, event })
            .where("id", "=", id)
            .where("status", "=", "pending")
            .execute();
          return jobOf({ ...there, at, event });
        }
        await tx.insertInto("jobs").values(job).execute();
        return jobOf(job);
      }),

    async due(now, limit) {
      const { rows } = await sql<DueRow>`
        select j.id, j.project, j.service, j.event, s.priority, v.id as version, v.concurrency_key
        from jobs j ${traits.walk("jobs_pending")}
        join services s on s.project = j.project and s.name = j.service and s.active = 1
        join versions v on v.project = s.project and v.name = s.name and v.id = s.active_version
        where j.status = 'pending' and j.at <= ${now}
        order by j.at, j.id limit ${limit}`.execute(db);
      return rows.map(({ concurrency_key: concurrencyKey, event, ...row }) => ({
        ...row,
        concurrencyKey: concurrencyKey ?? undefined,
        event: JSON.parse(event) as CloudEvent,
      }));
    },

    async nextDue() {
      const { rows } = await sql<{ due: number }>`
        select j.at as due from jobs j ${traits.walk("jobs_pending")}
        join services s on s.project = j.project and s.name = j.service and s.active = 1
        where j.status = 'pending' and s.active_version is not null
        order by j.at, j.id limit 1`.execute(db);
      return rows[0]?.due;
    },

    start: (job, run) =>
      inTransaction(context, async (tx, now) => {
        await holdForRun(context, tx, job);
        const row = await tx.selectFrom("jobs").selectAll().where("id", "=", job.id).executeTakeFirst();
        if (row?.status !== "pending") return { executionId: row?.run_execution_id ?? undefined, created: false };
        const { project, service, version, priority, event } = job;
        const inherited = { rootFlow: row.root_flow, startedByLifecycle: row.started_by_lifecycle === 1 };
        const request = { ...run, event, trigger: "schedule" as const, project, service, version, priority };
        const started = await requestRun(context, tx, request, now, inherited);
        await tx
          .updateTable("jobs")
          .set({ status: "started", run_execution_id: started.executionId })
          .where("id", "=", job.id)
          .execute();
        return started;
      }),

    async list({ project, service }, page) {
      const after = cursorOf(page, ["number", "string"]);
      let query = db.selectFrom("jobs").selectAll().where("status", "=", sql.lit("pending"));
      if (project !== undefined) query = query.where("project", "=", project);
      if (service !== undefined) query = query.where("service", "=", service);
      if (after) query = query.where(sql<boolean>`(at, id) > (${after[0]}, ${after[1]})`);
      const rows = await query
        .orderBy("at")
        .orderBy("id")
        .limit(page.limit + 1)
        .execute();
      return pageOf(rows, page, (row) => [row.at, row.id], jobOf);
    },

    cancel: (id) =>
      inTransaction(context, async (tx) => {
        const row = await holdJob(context, tx, id);
        if (row === undefined) throw new PlatformError("not-found", `there is no job ${id}`);
        if (row.status === "started")
          throw new PlatformError("conflict", `job ${id} has started its run: cancel that one`);
        await tx.updateTable("jobs").set({ status: "cancelled" }).where("id", "=", id).execute();
      }),
  };
}

interface DueRow {
  id: string;
  project: string;
  service: string;
  event: string;
  priority: number;
  version: VersionId;
  concurrency_key: string | null;
}

/** As it is once its service is held: it is started or cancelled, and not both. */
async function holdJob(context: StoreContext, tx: Tx, id: string): Promise<JobsTable | undefined> {
  const read = () => tx.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirst();
  const row = await read();
  return row !== undefined && (await holdServices(context, tx, [row])) ? read() : row;
}

async function requireHeld(context: StoreContext, tx: Tx, lease: HeldLease): Promise<ExecutionRow> {
  const row = (await readHeld(context, tx, [lease])).get(lease.id);
  if (row?.token !== lease.token) {
    throw new PlatformError("lease-lost", "this attempt no longer holds the execution's lease");
  }
  return row;
}

/** Whatever its run needs is kept with it: retention may take the trigger before its time comes. */
async function newJob(
  tx: Tx,
  id: string,
  execution: ExecutionRow,
  { at, parameters, now }: { at: number; parameters: JsonObject | undefined; now: number },
): Promise<JobsTable> {
  const { body } = await tx
    .selectFrom("bodies")
    .select("body")
    .where("key", "=", execution.event_key)
    .executeTakeFirstOrThrow();
  const trigger = JSON.parse(Buffer.from(body).toString()) as CloudEvent;
  const { project, service, correlation_id: correlationId, sequence } = execution;
  const retry = { jobId: id, project, service, correlationId, sequence, trigger, parameters, now };
  return {
    id,
    execution_id: execution.id,
    project,
    service,
    status: "pending",
    at,
    event: JSON.stringify(retryDueEvent(retry)),
    root_flow: execution.root_flow,
    started_by_lifecycle: execution.started_by_lifecycle,
    run_execution_id: null,
    created_at: now,
  };
}

function jobOf(row: JobsTable): Job {
  const { correlationid = "" } = JSON.parse(row.event) as CloudEvent;
  return {
    id: row.id,
    executionId: row.execution_id,
    project: row.project,
    service: row.service,
    status: row.status,
    at: row.at,
    correlationId: correlationid,
    createdAt: row.created_at,
  };
}
