import { type RawBuilder, sql } from "kysely";
import type { AlertRule, ConditionOf } from "../../alerts/alert-rule.ts";
import type { Turn } from "../../alerts/judgement.ts";
import { spanText } from "../../alerts/span-text.ts";
import { parseServiceRef, serviceRef } from "../../services/names.ts";
import { turnEpisodes } from "./alert-episodes.ts";
import type { StoreContext, Tx } from "./store-context.ts";

interface Late {
  subject: string;
  /** The nominal time that has no run which began. */
  nominal: number;
  why: "due" | "waiting" | "missed";
}

/**
 * Raises and resolves what a rule says of schedules. They are judged by the catalog's own knowledge and clock: a
 * scheduler that stands still sends nothing that could be seen.
 */
export async function settleLateness(context: StoreContext, tx: Tx, rule: AlertRule, now: number): Promise<Turn[]> {
  const { condition } = rule;
  if (condition.kind !== "lateness") return [];
  const late = new Map((await lateSchedules(tx, rule, condition, now)).map((one) => [one.subject, one]));
  const rows = await tx
    .selectFrom("alert_episodes")
    .select("subject")
    .where("rule_id", "=", rule.id)
    .where("resolved_at", "is", null)
    .execute();
  const open = new Set(rows.map(({ subject }) => subject));
  const made: Turn[] = [];
  for (const subject of new Set([...late.keys(), ...open])) {
    const found = late.get(subject);
    if ((found !== undefined) === open.has(subject)) continue;
    const turn = found === undefined ? inTime(subject, now) : raised(found, now);
    await turnEpisodes(context, tx, rule, subject, [turn], now);
    made.push(turn);
  }
  return made;
}

interface ScheduleRow {
  project: string;
  name: string;
  schedule_next: number | null;
  missed: number | null;
  waiting: number | null;
}

/**
 * Late is a time that has come and was not taken up, one that was passed over since the last run, and one whose run
 * still waits to begin. What is paused or switched off is not late.
 */
async function lateSchedules(
  tx: Tx,
  { project, since }: AlertRule,
  { service, grace }: ConditionOf<"lateness">,
  now: number,
): Promise<Late[]> {
  const before = now - grace * 1000;
  const { rows } = await sql<ScheduleRow>`
    select s.project, s.name, s.schedule_next,
      (select max(m.last_at) from schedule_misses m where m.project = s.project and m.service = s.name
        and m.last_at = s.schedule_since and m.recorded_at >= ${since}) as missed,
      (select min(e.created_at) from executions e where e.project = s.project and e.service = s.name
        and e.finished_at is null and e.status = 'pending' and e.trigger = 'schedule' and e.attempt = 0) as waiting
    from services s
    where s.schedule is not null and s.schedule_paused = 0 and s.active = 1 and ${ofService(service)}
      and ${project === undefined ? sql`true` : sql`s.project = ${project}`}
    order by s.project, s.name`.execute(tx);
  return rows.flatMap(({ schedule_next: next, missed, waiting, ...row }): Late[] => {
    const subject = serviceRef(row);
    if (next !== null && next <= before) return [{ subject, nominal: next, why: "due" }];
    if (waiting !== null && waiting <= before) return [{ subject, nominal: waiting, why: "waiting" }];
    return missed === null ? [] : [{ subject, nominal: missed, why: "missed" }];
  });
}

function ofService(service: string | undefined): RawBuilder<unknown> {
  const ref = service === undefined ? undefined : parseServiceRef(service);
  return ref === undefined ? sql`true` : sql`s.project = ${ref.project} and s.name = ${ref.name}`;
}

function raised({ subject, nominal, why }: Late, now: number): Turn {
  const time = new Date(nominal).toISOString();
  const late = spanText(Math.floor((now - nominal) / 1000));
  const text = {
    due: `${subject} has not been started by its schedule for ${late}: it was due at ${time}`,
    waiting: `${subject} waits to begin for ${late}: its schedule came at ${time}`,
    missed: `${subject} missed its scheduled time ${time}`,
  };
  return { turn: "raised", at: now, summary: text[why], facts: { due: time, lateMs: now - nominal, why } };
}

function inTime(subject: string, now: number): Turn {
  return { turn: "resolved", at: now, summary: `${subject} is in time again`, facts: {} };
}
