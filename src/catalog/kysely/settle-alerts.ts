import type { AlertRule } from "../../alerts/alert-rule.ts";
import { isStreamed, judge } from "../../alerts/judgement.ts";
import type { Sighting } from "../../alerts/sighting.ts";
import type { AlertReading, PlacedSighting, ReadPosition, SettledAlerts } from "../alerts.ts";
import { turnEpisodes } from "./alert-episodes.ts";
import { alertRuleOf } from "./alert-rules.ts";
import { settleLateness } from "./late-schedules.ts";
import type { StoreContext, Tx } from "./store-context.ts";

/** See AlertStore.settle. The caller holds the alerts. */
export async function settleAlerts(
  context: StoreContext,
  tx: Tx,
  { positions, sightings, readThrough }: AlertReading,
  now: number,
): Promise<SettledAlerts> {
  const known = await readPositions(tx);
  const fresh = sightings.filter((sighting) => sighting.offset >= (known.get(nameOf(sighting)) ?? 0));
  for (const position of positions) await moveTo(tx, known, position);
  const isThrough = readThrough?.ends.every((end) => (known.get(nameOf(end)) ?? 0) >= end.offset) ?? false;
  const until = isThrough ? readThrough?.at : undefined;
  const rules = await readRules(tx);
  const settled = { raised: 0, resolved: 0, isThrough };
  for (const subject of await subjectsOf(tx, rules, fresh, until)) {
    const turns = await settleSubject(context, tx, subject, until, now);
    for (const { turn } of turns) settled[turn] += 1;
  }
  for (const rule of rules.values()) {
    const turns = await settleLateness(context, tx, rule, now);
    for (const { turn } of turns) settled[turn] += 1;
  }
  return settled;
}

interface Subject {
  rule: AlertRule;
  subject: string;
  sightings: Sighting[];
}

/** What is to be judged: what something was seen of, and what time alone may have changed. */
async function subjectsOf(
  tx: Tx,
  rules: ReadonlyMap<string, AlertRule>,
  sightings: readonly PlacedSighting[],
  until: number | undefined,
): Promise<Subject[]> {
  const subjects = new Map<string, Subject>();
  const touch = (ruleId: string, subject: string): Subject | undefined => {
    const rule = rules.get(ruleId);
    if (rule === undefined) return undefined;
    const key = `${ruleId} ${subject}`;
    const there = subjects.get(key) ?? { rule, subject, sightings: [] };
    subjects.set(key, there);
    return there;
  };
  for (const sighting of sightings) {
    if (rules.get(sighting.ruleId)?.revision === sighting.revision) {
      touch(sighting.ruleId, sighting.subject)?.sightings.push(sighting);
    }
  }
  if (until === undefined) return [...subjects.values()];
  const due = await tx
    .selectFrom("alert_states")
    .select(["rule_id", "subject"])
    .where("look_at", "is not", null)
    .where("look_at", "<=", until)
    .execute();
  for (const { rule_id, subject } of due) touch(rule_id, subject);
  return [...subjects.values()];
}

async function settleSubject(
  context: StoreContext,
  tx: Tx,
  { rule, subject, sightings }: Subject,
  until: number | undefined,
  now: number,
) {
  if (!isStreamed(rule)) return [];
  const row = await tx
    .selectFrom("alert_states")
    .select(["state", "judged_to"])
    .where("rule_id", "=", rule.id)
    .where("subject", "=", subject)
    .executeTakeFirst();
  const open = await tx
    .selectFrom("alert_episodes")
    .select("id")
    .where("rule_id", "=", rule.id)
    .where("subject", "=", subject)
    .where("resolved_at", "is", null)
    .executeTakeFirst();
  const before = {
    state: row === undefined || row.state === null ? undefined : JSON.parse(row.state),
    judgedTo: row?.judged_to ?? rule.since,
    open: open !== undefined,
  };
  const { next, turns, lookAt } = judge(rule, subject, before, sightings, until);
  const values = { state: JSON.stringify(next.state), judged_to: Math.ceil(next.judgedTo), look_at: lookAt ?? null };
  await tx
    .insertInto("alert_states")
    .values({ rule_id: rule.id, subject, ...values })
    .onConflict((conflict) => conflict.columns(["rule_id", "subject"]).doUpdateSet(values))
    .execute();
  await turnEpisodes(context, tx, rule, subject, turns, now);
  return turns;
}

async function readRules(tx: Tx): Promise<Map<string, AlertRule>> {
  const rows = await tx.selectFrom("alert_rules").selectAll().where("active", "=", 1).orderBy("id").execute();
  return new Map(rows.map((row) => [row.id, alertRuleOf(row)]));
}

async function readPositions(tx: Tx): Promise<Map<string, number>> {
  const rows = await tx.selectFrom("alert_positions").selectAll().execute();
  return new Map(rows.map((row) => [nameOf(row), row.next_offset]));
}

/** Never backwards. */
async function moveTo(tx: Tx, known: Map<string, number>, position: ReadPosition): Promise<void> {
  const { topic, partition, offset } = position;
  if (offset <= (known.get(nameOf(position)) ?? 0)) return;
  known.set(nameOf(position), offset);
  await tx
    .insertInto("alert_positions")
    .values({ topic, partition, next_offset: offset })
    .onConflict((conflict) => conflict.columns(["topic", "partition"]).doUpdateSet({ next_offset: offset }))
    .execute();
}

function nameOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${partition} ${topic}`;
}
