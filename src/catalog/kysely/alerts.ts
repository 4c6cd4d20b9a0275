import type { AlertStore } from "../alerts.ts";
import { episodeOf } from "./alert-episodes.ts";
import { alertRuleStore } from "./alert-rules.ts";
import { cursorOf, pageOf } from "./cursor.ts";
import { alertsLock, hold } from "./locks.ts";
import { settleAlerts } from "./settle-alerts.ts";
import { inTransaction, type StoreContext } from "./store-context.ts";

export function alertStore(context: StoreContext): AlertStore {
  const { db } = context;
  return {
    rules: alertRuleStore(context),

    async episodes({ open, project, ruleId }, page) {
      const after = cursorOf(page, ["string"]);
      let query = db.selectFrom("alert_episodes").selectAll();
      if (open !== undefined) query = query.where("resolved_at", open ? "is" : "is not", null);
      if (project !== undefined) {
        query = query.where((eb) => eb.or([eb("project", "=", project), eb("project", "is", null)]));
      }
      if (ruleId !== undefined) query = query.where("rule_id", "=", ruleId);
      if (after) query = query.where("id", "<", after[0] as never);
      const rows = await query
        .orderBy("id", "desc")
        .limit(page.limit + 1)
        .execute();
      return pageOf(rows, page, ({ id }) => [id], episodeOf);
    },

    async episode(id) {
      const row = await db.selectFrom("alert_episodes").selectAll().where("id", "=", id).executeTakeFirst();
      return row && episodeOf(row);
    },

    async positions() {
      const rows = await db.selectFrom("alert_positions").selectAll().execute();
      return rows.map(({ topic, partition, next_offset: offset }) => ({ topic, partition, offset }));
    },

    startAnew: (lost) =>
      inTransaction(context, async (tx) => {
        await hold(context, tx, [alertsLock]);
        for (const { topic, partition } of lost) {
          await tx
            .deleteFrom("alert_positions")
            .where("topic", "=", topic)
            .where("partition", "=", partition)
            .execute();
        }
      }),

    settle: (reading) =>
      inTransaction(context, async (tx, now) => {
        await hold(context, tx, [alertsLock]);
        return settleAlerts(context, tx, reading, now);
      }),
  };
}
