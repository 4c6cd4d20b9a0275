import { type Kysely, type QueryExecutorProvider, sql } from "kysely";
import type { Migration } from "kysely/migration";
import type { StepDays } from "./dialect-traits.ts";

const dayMs = 24 * 3_600_000;
/** Days that are made before they come: keepers may be away for a while. */
const daysAhead = 7;
/** For tables that somebody works on: who waits for one to be made or dropped holds up everybody behind. */
const lockWithinMs = 200;

/**
 * Steps lie in one partition a day, by when their execution was made: its id begins with that moment (UUID version 7), so that
 * the order of ids is that of time. Whatever is asked of steps names executions, and leads to their days alone. What no
 * day was made for lies in `steps_other`.
 */
export const stepDaysMigration: Migration = {
  async up(db: Kysely<unknown>) {
    const { rows } = await sql<{ last: string | null; now: number }>`
      select (select max(execution_id) from steps) as last,
        floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db);
    const { last, now } = rows[0] as (typeof rows)[number];
    // What is there becomes the first partition as it lies, and is not copied.
    const border = dayOf(Math.max(now, last === null ? 0 : timeOf(last))) + dayMs;
    await sql`alter table steps rename to steps_before`.execute(db);
    await sql`alter table steps_before rename constraint steps_pk to steps_before_pk`.execute(db);
    await sql`
      create table steps (like steps_before including defaults,
        constraint steps_pk primary key (execution_id, attempt, n)) partition by range (execution_id)`.execute(db);
    await sql`
      alter table steps attach partition steps_before
      for values from (minvalue) to (${sql.lit(firstIdAt(border))})`.execute(db);
    await sql`create table steps_other partition of steps default`.execute(db);
    for (let n = 0; n < daysAhead; n += 1) await makeDay(db, border + n * dayMs);
  },
};

export const postgresStepDays: StepDays = {
  async makeAhead(tx, now) {
    await waitBriefly(tx);
    const there = new Set(await namesOf(tx));
    const { rows } = await sql<{ to: string | null }>`
      select substring(pg_get_expr(relpartbound, oid) from 'TO \\(''(.*)''\\)') as to
      from pg_class where oid = to_regclass('steps_before')`.execute(tx);
    const border = rows[0]?.to ?? "";
    for (let n = 0; n <= daysAhead; n += 1) {
      const day = dayOf(now) + n * dayMs;
      if (firstIdAt(day) >= border && !there.has(nameOf(day))) await makeDay(tx, day);
    }
  },

  async holders(tx) {
    const there = new Set(await namesOf(tx));
    return (id) => there.has(nameOf(dayOf(timeOf(id))));
  },

  async dropBefore(tx, before) {
    await waitBriefly(tx);
    for (const day of await daysOf(tx)) {
      if (day + dayMs > before) continue;
      if (await holdsExecutions(tx, day)) continue;
      await sql`drop table ${sql.table(nameOf(day))}`.execute(tx);
      // One at a time: each lets everybody else on before the next.
      return 1;
    }
    return 0;
  },

  async deleteOrphans(tx, before, limit) {
    for (const day of await daysOf(tx)) {
      if (day + dayMs > before || !(await holdsExecutions(tx, day))) continue;
      const { numAffectedRows } = await sql`
        delete from ${sql.table(nameOf(day))} where (execution_id, attempt, n) in (
          select s.execution_id, s.attempt, s.n from ${sql.table(nameOf(day))} s
          where not exists (select 1 from executions e where e.id = s.execution_id) limit ${limit})`.execute(tx);
      if (numAffectedRows) return Number(numAffectedRows);
    }
    return 0;
  },
};

/** Longer waits end the transaction as `unavailable`. */
async function waitBriefly(tx: QueryExecutorProvider): Promise<void> {
  await sql`set local lock_timeout = ${sql.lit(lockWithinMs)}`.execute(tx);
}

async function makeDay(db: QueryExecutorProvider, day: number): Promise<void> {
  const table = sql.table(nameOf(day));
  const [from, to] = [firstIdAt(day), firstIdAt(day + dayMs)];
  await sql`create table ${table} (like steps including defaults including indexes)`.execute(db);
  // Where the day has come before its partition: nothing may be added while what is there moves.
  await sql`lock table steps_other in access exclusive mode`.execute(db);
  await sql`
    with moved as (delete from steps_other where execution_id >= ${from} and execution_id < ${to} returning *)
    insert into ${table} select * from moved`.execute(db);
  await sql`
    alter table steps attach partition ${table} for values from (${sql.lit(from)}) to (${sql.lit(to)})`.execute(db);
}

async function holdsExecutions(tx: QueryExecutorProvider, day: number): Promise<boolean> {
  const { rows } = await sql`
    select 1 as one from executions where id >= ${firstIdAt(day)} and id < ${firstIdAt(day + dayMs)} limit 1`.execute(
    tx,
  );
  return rows.length > 0;
}

async function namesOf(tx: QueryExecutorProvider): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname::text as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = to_regclass('steps') and c.relname ~ '^steps_[0-9]{8}$' order by c.relname`.execute(tx);
  return rows.map(({ name }) => name);
}

async function daysOf(tx: QueryExecutorProvider): Promise<number[]> {
  return (await namesOf(tx)).map((name) => {
    const [year, month, day] = [name.slice(6, 10), name.slice(10, 12), name.slice(12, 14)];
    return Date.parse(`${year}-${month}-${day}T00:00:00Z`);
  });
}

function nameOf(day: number): string {
  return `steps_${new Date(day).toISOString().slice(0, 10).replaceAll("-", "")}`;
}

function dayOf(time: number): number {
  return Math.floor(time / dayMs) * dayMs;
}

/** Before all ids of that millisecond, and after all earlier ones. */
function firstIdAt(time: number): string {
  const hex = time.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 13).replace("-", ""), 16);
}
