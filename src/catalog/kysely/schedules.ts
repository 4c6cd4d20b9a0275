import { sql } from "kysely";
import { PlatformError } from "../../foundation/errors.ts";
import type { CatchUp } from "../../services/manifest.ts";
import type { ScheduledService, ScheduleStep, ScheduleStore, ScheduleView } from "../schedules.ts";
import { scheduleFrom, scheduleOf } from "./activate-version.ts";
import { cursorOf, pageOf } from "./cursor.ts";
import { hold, holdForRun, serviceLock } from "./locks.ts";
import { requestRun } from "./run-requests.ts";
import { requireService } from "./service-rows.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";

export function scheduleStore(context: StoreContext): ScheduleStore {
  const { db, traits } = context;

  const viewed = () =>
    db
      .selectFrom("services as s")
      .innerJoin("versions as v", (join) =>
        join.onRef("v.project", "=", "s.project").onRef("v.name", "=", "s.name").onRef("v.id", "=", "s.active_version"),
      )
      .where("s.schedule", "is not", null)
      .select(["s.project", "s.name", "s.priority", "s.schedule", "s.schedule_since", "s.schedule_fired"])
      .select(["s.schedule_paused", "s.active", "v.id", "v.concurrency_key", "v.catch_up"])
      .select((eb) => {
        const misses = eb
          .selectFrom("schedule_misses as m")
          .whereRef("m.project", "=", "s.project")
          .whereRef("m.service", "=", "s.name");
        return [
          misses.select(({ fn }) => fn.min("m.first_at").as("at")).as("missed_first"),
          misses.select(({ fn }) => fn.max("m.last_at").as("at")).as("missed_last"),
          misses.select(({ fn }) => fn.sum<number>("m.count").as("count")).as("missed_count"),
        ];
      });

  return {
    async due(now, limit) {
      const { rows } = await sql<ScheduledRow>`
        select s.project, s.name, s.priority, s.schedule, s.schedule_since, v.id, v.concurrency_key, v.catch_up
        from services s ${traits.walk("services_due")}
        join versions v on v.project = s.project and v.name = s.name and v.id = s.active_version
        where s.schedule_next is not null and s.schedule_paused = 0 and s.active = 1 and s.schedule_next <= ${now}
        order by s.schedule_next limit ${limit}`.execute(db);
      return rows.map(scheduledOf);
    },

    async nextDue() {
      const { rows } = await sql<{ due: number | null }>`
        select min(schedule_next) as due from services ${traits.walk("services_due")}
        where schedule_next is not null and schedule_paused = 0 and active = 1`.execute(db);
      return rows[0]?.due ?? undefined;
    },

    advance: (schedule, step) =>
      inTransaction(context, async (tx, now) => {
        await holdForRun(context, tx, schedule);
        if (!(await moveOn(tx, schedule, step))) return undefined;
        if (step.missed) {
          const { first, last, count } = step.missed;
          const { project, service } = schedule;
          await tx
            .insertInto("schedule_misses")
            .values({ project, service, first_at: first, last_at: last, count, recorded_at: now })
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        }
        return step.run === undefined ? { created: false } : requestRun(context, tx, step.run, now);
      }),

    async list({ project }, page) {
      const after = cursorOf(page, ["string", "string"]);
      let query = viewed();
      if (project !== undefined) query = query.where("s.project", "=", project);
      if (after) query = query.where(sql<boolean>`(s.project, s.name) > (${after[0]}, ${after[1]})`);
      const rows = await query
        .orderBy("s.project")
        .orderBy("s.name")
        .limit(page.limit + 1)
        .execute();
      return pageOf(rows, page, (row) => [row.project, row.name], viewOf);
    },

    async get(project, service) {
      const row = await viewed().where("s.project", "=", project).where("s.name", "=", service).executeTakeFirst();
      return row && viewOf(row);
    },

    async misses(project, service, limit) {
      const rows = await db
        .selectFrom("schedule_misses")
        .selectAll()
        .where("project", "=", project)
        .where("service", "=", service)
        .orderBy("first_at", "desc")
        .limit(limit)
        .execute();
      return rows.map(({ first_at: first, last_at: last, count, recorded_at: recordedAt }) => {
        return { first, last, count, recordedAt };
      });
    },

    async pause(project, service, paused) {
      await inTransaction(context, async (tx, now) => {
        // No router reads it: routing goes on.
        await hold(context, tx, [serviceLock({ project, service })]);
        const row = await requireService(tx, project, service);
        if (row.schedule === null) throw withoutSchedule(project, service);
        if ((row.schedule_paused === 1) === paused) return;
        await tx
          .updateTable("services")
          // What came while it was paused is not made up.
          .set({ schedule_paused: paused ? 1 : 0, ...(paused ? {} : scheduleFrom(row.schedule, now)) })
          .where("project", "=", project)
          .where("name", "=", service)
          .execute();
      });
      const view = await this.get(project, service);
      if (view === undefined) throw withoutSchedule(project, service);
      return view;
    },
  };
}

/** False where the schedule is not any more as it was read: whoever was first has moved it on, and the others do nothing. */
async function moveOn(tx: Tx, schedule: ScheduledService, { to, next, run }: ScheduleStep): Promise<boolean> {
  const { project, service, cron, timezone, since } = schedule;
  const result = await tx
    .updateTable("services")
    .set({ schedule_since: to, schedule_next: next ?? null, ...(run === undefined ? {} : { schedule_fired: to }) })
    .where("project", "=", project)
    .where("name", "=", service)
    .where("schedule", "=", JSON.stringify([cron, timezone]))
    .where("schedule_since", "=", since)
    .where("schedule_paused", "=", 0)
    .where("active", "=", 1)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

function withoutSchedule(project: string, service: string): PlatformError {
  return new PlatformError(
    "not-found",
    `${project}/${service} has no schedule: its manifest names none with "schedule"`,
  );
}

interface ScheduledRow {
  project: string;
  name: string;
  priority: number;
  schedule: string | null;
  schedule_since: number | null;
  id: string;
  concurrency_key: string | null;
  catch_up: CatchUp;
}

function scheduledOf(row: ScheduledRow): ScheduledService {
  return {
    project: row.project,
    service: row.name,
    version: row.id,
    ...scheduleOf(row.schedule ?? "[]"),
    catchUp: row.catch_up,
    priority: row.priority,
    concurrencyKey: row.concurrency_key ?? undefined,
    since: row.schedule_since ?? 0,
  };
}

interface ViewedRow extends ScheduledRow {
  active: number;
  schedule_paused: number;
  schedule_fired: number | null;
  missed_first: number | null;
  missed_last: number | null;
  missed_count: number | null;
}

function viewOf(row: ViewedRow): ScheduleView {
  const { missed_first: first, missed_last: last, missed_count: count } = row;
  return {
    ...scheduledOf(row),
    paused: row.schedule_paused === 1,
    active: row.active === 1,
    lastFired: row.schedule_fired ?? undefined,
    missed: first === null || last === null ? undefined : { first, last, count: Number(count) },
  };
}
