import { isDeepStrictEqual } from "node:util";
import { type AlertRule, type AlertRuleContent, alertRuleProblems } from "../../alerts/alert-rule.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { AlertRuleId } from "../../foundation/ids.ts";
import type { AlertRuleStore } from "../alerts.ts";
import { endEpisodes } from "./alert-episodes.ts";
import { moveAlertEpoch, readAlertEpoch } from "./alert-epoch.ts";
import { cursorOf, pageOf } from "./cursor.ts";
import { alertsLock, hold, linksReadLock } from "./locks.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";
import type { AlertRulesTable } from "./tables.ts";

export function alertRuleStore(context: StoreContext): AlertRuleStore {
  const { db, ids } = context;
  return {
    async list({ project }, page) {
      const after = cursorOf(page, ["string"]);
      let query = db.selectFrom("alert_rules").selectAll();
      if (project !== undefined) query = query.where("project", "=", project);
      if (after) query = query.where("name", ">", after[0]);
      const rows = await query
        .orderBy("name")
        .limit(page.limit + 1)
        .execute();
      return pageOf(rows, page, ({ name }) => [name], alertRuleOf);
    },

    async get(id) {
      const row = await db.selectFrom("alert_rules").selectAll().where("id", "=", id).executeTakeFirst();
      return row && alertRuleOf(row);
    },

    create: (content) =>
      inTransaction(context, async (tx, now) => {
        requireSound(content);
        // A project is not deleted while a rule of it is made. Nothing was seen for the rule yet, so that the alerts go on.
        await hold(context, tx, [linksReadLock]);
        await requireProject(tx, content.project);
        await requireFreeName(tx, content.name);
        const row = { id: ids.next() as AlertRuleId, ...rowOf(content), revision: 1, since: now, created_at: now };
        await tx.insertInto("alert_rules").values(row).execute();
        await beginAnew(tx, alertRuleOf(row));
        return alertRuleOf(row);
      }),

    update: (id, change) =>
      inTransaction(context, async (tx, now) => {
        await hold(context, tx, [linksReadLock, alertsLock]);
        const former = alertRuleOf(await requireRule(tx, id));
        const given = Object.entries(change).filter(([, value]) => value !== undefined);
        const noted = given.map(([name, value]) => [name, value ?? undefined]);
        const changed: AlertRule = { ...former, ...Object.fromEntries(noted) };
        requireSound(changed);
        await requireProject(tx, changed.project);
        if (changed.name !== former.name) await requireFreeName(tx, changed.name);
        const watchesOther = !isDeepStrictEqual(
          [changed.condition, changed.project, changed.active],
          [former.condition, former.project, former.active],
        );
        const rule = watchesOther ? { ...changed, revision: former.revision + 1, since: now } : changed;
        await tx
          .updateTable("alert_rules")
          .set({ ...rowOf(rule), revision: rule.revision, since: rule.since })
          .where("id", "=", id)
          .execute();
        if (watchesOther) {
          await endEpisodes(tx, id, former.active && !rule.active ? "rule_switched_off" : "rule_changed", now);
          await beginAnew(tx, rule);
        } else await moveAlertEpoch(tx);
        return rule;
      }),

    delete: (id) =>
      inTransaction(context, async (tx, now) => {
        await hold(context, tx, [alertsLock]);
        await requireRule(tx, id);
        await endEpisodes(tx, id, "rule_deleted", now);
        await tx.deleteFrom("alert_states").where("rule_id", "=", id).execute();
        await tx.deleteFrom("alert_rules").where("id", "=", id).execute();
        await moveAlertEpoch(tx);
      }),

    epoch: () => readAlertEpoch(db),

    watched: () =>
      inTransaction(context, async (tx) => {
        const epoch = await readAlertEpoch(tx);
        const rows = await tx.selectFrom("alert_rules").selectAll().where("active", "=", 1).orderBy("id").execute();
        return { epoch, rules: rows.map(alertRuleOf) };
      }),
  };
}

export function alertRuleOf(row: AlertRulesTable): AlertRule {
  return {
    id: row.id,
    name: row.name,
    project: row.project ?? undefined,
    description: row.description ?? undefined,
    severity: row.severity,
    active: row.active === 1,
    condition: JSON.parse(row.condition),
    revision: row.revision,
    since: row.since,
    createdAt: row.created_at,
  };
}

function rowOf(rule: AlertRuleContent): Omit<AlertRulesTable, "id" | "revision" | "since" | "created_at"> {
  return {
    name: rule.name,
    project: rule.project ?? null,
    description: rule.description ?? null,
    severity: rule.severity,
    active: rule.active ? 1 : 0,
    condition: JSON.stringify(rule.condition),
  };
}

/** Forgets what was seen. A silence is watched from the first moment on, whether an event ever comes or not. */
async function beginAnew(tx: Tx, { id, active, condition, since }: AlertRule): Promise<void> {
  await tx.deleteFrom("alert_states").where("rule_id", "=", id).execute();
  if (active && condition.kind === "silence") {
    const row = { rule_id: id, subject: condition.type, state: null, judged_to: since, look_at: since };
    await tx.insertInto("alert_states").values(row).execute();
  }
  await moveAlertEpoch(tx);
}

function requireSound(rule: AlertRuleContent): void {
  const problems = alertRuleProblems(rule);
  if (problems.length === 0) return;
  const text = problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
  throw new PlatformError("invalid-input", `the rule is not sound: ${text}`, { problems });
}

async function requireRule(tx: Tx, id: AlertRuleId): Promise<AlertRulesTable> {
  const row = await tx.selectFrom("alert_rules").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new PlatformError("not-found", `there is no alert rule ${id}`);
  return row;
}

async function requireFreeName(tx: Tx, name: string): Promise<void> {
  const there = await tx.selectFrom("alert_rules").select("id").where("name", "=", name).executeTakeFirst();
  if (there === undefined) return;
  throw new PlatformError("conflict", `there is an alert rule ${name} already, ${there.id}: change that one`);
}

async function requireProject(tx: Tx, project: string | undefined): Promise<void> {
  if (project === undefined) return;
  const found = await tx.selectFrom("projects").select("name").where("name", "=", project).executeTakeFirst();
  if (found === undefined) throw new PlatformError("not-found", `there is no project ${project}`);
}
