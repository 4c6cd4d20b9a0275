import { sql } from "kysely";
import type { ServiceFile } from "../../services/service.ts";
import type { ServiceStore } from "../services.ts";
import { adoptedFrom, layManifestLinks, scheduleFrom } from "./activate-version.ts";
import { cursorOf, pageOf } from "./cursor.ts";
import { deleteService } from "./delete-service.ts";
import { deploy } from "./deploy.ts";
import { moveLinkEpoch } from "./link-epoch.ts";
import { hold, linksLock, serviceLock } from "./locks.ts";
import { readService, requireService, requireVersion, serviceOf, versionOf } from "./service-rows.ts";
import { inTransaction, type StoreContext } from "./store-context.ts";
import type { ServicesTable } from "./tables.ts";
import { reopenLimited } from "./turns.ts";

export function serviceStore(context: StoreContext): ServiceStore {
  const { db, ids } = context;
  return {
    async list({ project }, page) {
      const after = cursorOf(page, ["string", "string"]);
      let query = db.selectFrom("services").selectAll();
      if (project !== undefined) query = query.where("project", "=", project);
      if (after) query = query.where(sql<boolean>`(project, name) > (${after[0]}, ${after[1]})`);
      const rows = await query
        .orderBy("project")
        .orderBy("name")
        .limit(page.limit + 1)
        .execute();
      return pageOf(rows, page, (row) => [row.project, row.name], serviceOf);
    },

    async get(project, name) {
      const row = await readService(db, project, name);
      return row && serviceOf(row);
    },

    deploy: (version) => deploy(context, version),
    delete: (project, name, options) => deleteService(context, { project, service: name }, options),

    async versions(project, name, page) {
      const after = cursorOf(page, ["number", "string"]);
      let query = db.selectFrom("versions").selectAll().where("project", "=", project).where("name", "=", name);
      if (after) query = query.where(sql<boolean>`(created_at, id) < (${after[0]}, ${after[1]})`);
      const rows = await query
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .limit(page.limit + 1)
        .execute();
      return pageOf(rows, page, (row) => [row.created_at, row.id], versionOf);
    },

    async version(id) {
      const row = await db.selectFrom("versions").selectAll().where("id", "=", id).limit(1).executeTakeFirst();
      return row && versionOf(row);
    },

    update: (project, name, change) =>
      inTransaction(context, async (tx, now) => {
        await hold(context, tx, [linksLock, serviceLock({ project, service: name })]);
        const former = await requireService(tx, project, name);
        const row: ServicesTable = { ...former, updated_at: now };
        if (change.priority !== undefined) Object.assign(row, { priority: change.priority, priority_pinned: 1 });
        if (change.active !== undefined) Object.assign(row, { active: change.active ? 1 : 0, active_pinned: 1 });
        if (change.activeVersion !== undefined && change.activeVersion !== former.active_version) {
          const { manifest } = versionOf(await requireVersion(tx, project, name, change.activeVersion));
          Object.assign(row, { active_version: change.activeVersion, ...adoptedFrom(manifest, row, now) });
          await reopenLimited(tx, { project, service: name });
          await layManifestLinks(tx, ids, former, manifest, now);
        }
        // A schedule that was switched off does not make up for the times it missed.
        if (row.active === 1 && former.active === 0) Object.assign(row, scheduleFrom(row.schedule, now));
        await tx.updateTable("services").set(row).where("project", "=", project).where("name", "=", name).execute();
        await moveLinkEpoch(tx);
        return serviceOf(row);
      }),

    grant: (project, name, grants) =>
      inTransaction(context, async (tx, now) => {
        // No router reads them: routing goes on.
        await hold(context, tx, [serviceLock({ project, service: name })]);
        const former = await requireService(tx, project, name);
        const change = { grants: JSON.stringify([...new Set(grants)].sort()), updated_at: now };
        await tx.updateTable("services").set(change).where("project", "=", project).where("name", "=", name).execute();
        return serviceOf({ ...former, ...change });
      }),

    async referencedFiles() {
      const rows = await db.selectFrom("versions").select("files").execute();
      return new Set(rows.flatMap(({ files }) => (JSON.parse(files) as ServiceFile[]).map(({ hash }) => hash)));
    },
  };
}
