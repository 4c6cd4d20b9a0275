import { PlatformError } from "../../foundation/errors.ts";
import type { Webhook, WebhookStore } from "../webhooks.ts";
import { cursorOf, pageOf } from "./cursor.ts";
import { hold, linksReadLock } from "./locks.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";
import type { WebhooksTable } from "./tables.ts";

function webhookOf({ id, name, project, active, created_at, last_used_at }: WebhooksTable): Webhook {
  return {
    id,
    name,
    project: project ?? undefined,
    active: active === 1,
    createdAt: created_at,
    lastUsedAt: last_used_at ?? undefined,
  };
}

export function webhookStore(context: StoreContext): WebhookStore {
  const { db, ids } = context;
  return {
    async list(page) {
      const after = cursorOf(page, ["string"]);
      let query = db.selectFrom("webhooks").selectAll();
      if (after) query = query.where("name", ">", after[0]);
      const rows = await query
        .orderBy("name")
        .limit(page.limit + 1)
        .execute();
      return pageOf(rows, page, ({ name }) => [name], webhookOf);
    },

    async get(id) {
      const row = await db.selectFrom("webhooks").selectAll().where("id", "=", id).executeTakeFirst();
      return row && webhookOf(row);
    },

    async byTokenHash(hash) {
      const row = await db.selectFrom("webhooks").selectAll().where("token_hash", "=", hash).executeTakeFirst();
      return row && webhookOf(row);
    },

    create: ({ name, project, tokenHash }) =>
      inTransaction(context, async (tx, now) => {
        // A project is not deleted while a webhook of it is made.
        if (project !== undefined) await hold(context, tx, [linksReadLock]);
        if (project !== undefined) await requireProject(tx, project);
        const row = {
          id: ids.next(),
          name,
          project: project ?? null,
          token_hash: tokenHash,
          active: 1,
          created_at: now,
          last_used_at: null,
        };
        const result = await tx
          .insertInto("webhooks")
          .values(row)
          .onConflict((conflict) => conflict.column("name").doNothing())
          .executeTakeFirst();
        if (result.numInsertedOrUpdatedRows === 1n) return webhookOf(row);
        throw new PlatformError(
          "conflict",
          `there is a webhook ${name} already: choose another name, or rotate its token`,
        );
      }),

    update: (id, { active, tokenHash }) =>
      inTransaction(context, async (tx) => {
        const given = { active: active === undefined ? null : active ? 1 : 0, tokenHash: tokenHash ?? null };
        // Leaves alone what is not given: of two people's changes at once both are made.
        const row = await tx
          .updateTable("webhooks")
          .set((eb) => ({
            active: eb.fn.coalesce(eb.val(given.active), "active"),
            token_hash: eb.fn.coalesce(eb.val(given.tokenHash), "token_hash"),
          }))
          .where("id", "=", id)
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) throw unknownWebhook(id);
        return webhookOf(row);
      }),

    noteUse: (id) =>
      inTransaction(context, async (tx, now) => {
        await tx.updateTable("webhooks").set({ last_used_at: now }).where("id", "=", id).execute();
      }),

    async delete(id) {
      const result = await db.deleteFrom("webhooks").where("id", "=", id).executeTakeFirst();
      if (result.numDeletedRows === 0n) throw unknownWebhook(id);
    },
  };
}

async function requireProject(tx: Tx, project: string): Promise<void> {
  const found = await tx.selectFrom("projects").select("name").where("name", "=", project).executeTakeFirst();
  if (found === undefined) throw new PlatformError("not-found", `there is no project ${project}`);
}

function unknownWebhook(id: string): PlatformError {
  return new PlatformError("not-found", `there is no webhook ${id}`);
}
