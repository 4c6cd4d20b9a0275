import { PlatformError } from "../../foundation/errors.ts";
import { defaultProject } from "../../services/names.ts";
import type { Project, ProjectStore } from "../projects.ts";
import { cursorOf, pageOf } from "./cursor.ts";
import { hold, linksLock } from "./locks.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";
import type { ProjectsTable } from "./tables.ts";

function projectOf({ name, description, created_at }: ProjectsTable): Project {
  return { name, description, createdAt: created_at };
}

/** Answers whether it was missing. */
export async function ensureProject(tx: Tx, name: string, now: number): Promise<boolean> {
  const result = await tx
    .insertInto("projects")
    .values({ name, description: "", created_at: now })
    .onConflict((conflict) => conflict.column("name").doNothing())
    .executeTakeFirst();
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
}

export function projectStore(context: StoreContext): ProjectStore {
  const { db } = context;
  return {
    async list(page) {
      const after = cursorOf(page, ["string"]);
      let query = db.selectFrom("projects").selectAll();
      if (after) query = query.where("name", ">", after[0]);
      const rows = await query
        .orderBy("name")
        .limit(page.limit + 1)
        .execute();
      return pageOf(rows, page, ({ name }) => [name], projectOf);
    },

    async get(name) {
      const row = await db.selectFrom("projects").selectAll().where("name", "=", name).executeTakeFirst();
      return row && projectOf(row);
    },

    create: ({ name, description }) =>
      inTransaction(context, async (tx, now) => {
        if (!(await ensureProject(tx, name, now))) {
          throw new PlatformError("conflict", `there is a project ${name} already`);
        }
        await tx.updateTable("projects").set({ description }).where("name", "=", name).execute();
        return { name, description, createdAt: now };
      }),

    delete: (name) =>
      inTransaction(context, async (tx) => {
        await hold(context, tx, [linksLock]);
        if (name === defaultProject) {
          throw new PlatformError(
            "forbidden",
            `the project ${name} takes what names no project, and cannot be deleted`,
          );
        }
        const service = await tx.selectFrom("services").select("name").where("project", "=", name).executeTakeFirst();
        if (service) {
          const message = `project ${name} has services, ${service.name} among them: delete those first`;
          throw new PlatformError("conflict", message);
        }
        const mapping = await tx
          .selectFrom("mappings")
          .select(["from_type", "to_type"])
          .where("project", "=", name)
          .executeTakeFirst();
        if (mapping) {
          const message = `project ${name} has mappings, ${mapping.from_type} to ${mapping.to_type} among them: delete those first`;
          throw new PlatformError("conflict", message);
        }
        const rule = await tx.selectFrom("alert_rules").select("name").where("project", "=", name).executeTakeFirst();
        if (rule) {
          const message = `project ${name} has alert rules, ${rule.name} among them: delete those first`;
          throw new PlatformError("conflict", message);
        }
        const webhook = await tx.selectFrom("webhooks").select("name").where("project", "=", name).executeTakeFirst();
        if (webhook) {
          const message = `project ${name} has webhooks, ${webhook.name} among them: delete those first`;
          throw new PlatformError("conflict", message);
        }
        const result = await tx.deleteFrom("projects").where("name", "=", name).executeTakeFirst();
        if (result.numDeletedRows === 0n) throw new PlatformError("not-found", `there is no project ${name}`);
      }),
  };
}
