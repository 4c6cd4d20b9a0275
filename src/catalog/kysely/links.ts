import type { Kysely } from "kysely";
import { PlatformError } from "../../foundation/errors.ts";
import type { LinkId, VersionId } from "../../foundation/ids.ts";
import type { LinkStore } from "../links.ts";
import { cursorOf, pageOf } from "./cursor.ts";
import { moveLinkEpoch, readLinkEpoch } from "./link-epoch.ts";
import { linkOf, readLinkSnapshot } from "./link-snapshot.ts";
import { hold, linksLock, linksReadLock } from "./locks.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";
import type { LinksTable, Tables } from "./tables.ts";

type LinkContent = Pick<LinksTable, "project" | "service" | "version" | "event_type" | "filter">;

export function linkStore(context: StoreContext): LinkStore {
  const { db, ids } = context;
  return {
    async list({ project, service, eventType }, page) {
      const after = cursorOf(page, ["string"]);
      let query = db.selectFrom("links").selectAll().where("removed", "=", 0);
      if (project !== undefined) query = query.where("project", "=", project);
      if (service !== undefined) query = query.where("service", "=", service);
      if (eventType !== undefined) query = query.where("event_type", "=", eventType);
      if (after) query = query.where("id", ">", after[0] as LinkId);
      const rows = await query
        .orderBy("id")
        .limit(page.limit + 1)
        .execute();
      return pageOf(rows, page, ({ id }) => [id], linkOf);
    },

    async get(id) {
      const row = await readLink(db, id);
      return row && linkOf(row);
    },

    create: (link) =>
      inTransaction(context, async (tx, now) => {
        await hold(context, tx, [linksLock]);
        const { project, service, version, eventType, filter, active } = link;
        await requireTarget(tx, project, service, version);
        const content: LinkContent = { project, service, version, event_type: eventType, filter: filter ?? "" };
        const there = await findByContent(tx, content);
        await moveLinkEpoch(tx);
        if (there === undefined) {
          const row = newLink(ids.next() as LinkId, content, { active, origin: "person", removed: false }, now);
          await tx.insertInto("links").values(row).execute();
          return { link: linkOf(row), created: true };
        }
        const change = { origin: "person", removed: 0, active: active ? 1 : 0 } as const;
        await tx.updateTable("links").set(change).where("id", "=", there.id).execute();
        return { link: linkOf({ ...there, ...change }), created: false };
      }),

    update: (id, change) =>
      inTransaction(context, async (tx, now) => {
        await hold(context, tx, [linksLock]);
        const former = await requireLink(tx, id);
        const row: LinksTable = {
          ...former,
          version: change.version ?? former.version,
          event_type: change.eventType ?? former.event_type,
          filter: change.filter === undefined ? former.filter : (change.filter ?? ""),
          active: change.active === undefined ? former.active : change.active ? 1 : 0,
          origin: "person",
        };
        if (change.version !== undefined) await requireTarget(tx, row.project, row.service, row.version);
        const other = await findByContent(tx, row);
        if (other !== undefined && other.id !== id) {
          if (other.removed === 0) {
            throw new PlatformError("conflict", `link ${other.id} says the same already: change or delete that one`);
          }
          await tx.deleteFrom("links").where("id", "=", other.id).execute();
        }
        await tx.updateTable("links").set(row).where("id", "=", id).execute();
        if (former.origin === "manifest" && other?.id !== id) {
          // Else the next deploy would lay again what the person has just changed.
          const tombstone = { active: true, origin: "manifest", removed: true } as const;
          await tx
            .insertInto("links")
            .values(newLink(ids.next() as LinkId, former, tombstone, now))
            .execute();
        }
        await moveLinkEpoch(tx);
        return linkOf(row);
      }),

    delete: (id) =>
      inTransaction(context, async (tx) => {
        await hold(context, tx, [linksLock]);
        await requireLink(tx, id);
        await tx.updateTable("links").set({ removed: 1 }).where("id", "=", id).execute();
        await moveLinkEpoch(tx);
      }),

    snapshot: () =>
      inTransaction(context, async (tx) => {
        await hold(context, tx, [linksReadLock]);
        return readLinkSnapshot(tx);
      }),
    epoch: () => readLinkEpoch(db),
  };
}

export function newLink(
  id: LinkId,
  content: LinkContent,
  { active, origin, removed }: { active: boolean; origin: LinksTable["origin"]; removed: boolean },
  now: number,
): LinksTable {
  const { project, service, version, event_type, filter } = content;
  const flags = { active: active ? 1 : 0, origin, removed: removed ? 1 : 0 };
  return { id, project, service, version, event_type, filter, ...flags, created_at: now };
}

function readLink(db: Kysely<Tables>, id: LinkId): Promise<LinksTable | undefined> {
  return db.selectFrom("links").selectAll().where("id", "=", id).where("removed", "=", 0).executeTakeFirst();
}

async function requireLink(tx: Tx, id: LinkId): Promise<LinksTable> {
  const row = await readLink(tx, id);
  if (row === undefined) throw new PlatformError("not-found", `there is no link ${id}`);
  return row;
}

function findByContent(tx: Tx, content: LinkContent): Promise<LinksTable | undefined> {
  return tx
    .selectFrom("links")
    .selectAll()
    .where("project", "=", content.project)
    .where("service", "=", content.service)
    .where("version", "=", content.version)
    .where("event_type", "=", content.event_type)
    .where("filter", "=", content.filter)
    .executeTakeFirst();
}

async function requireTarget(tx: Tx, project: string, name: string, version: "active" | VersionId): Promise<void> {
  const service = await tx
    .selectFrom("services")
    .select("name")
    .where("project", "=", project)
    .where("name", "=", name)
    .executeTakeFirst();
  if (service === undefined) throw new PlatformError("not-found", `there is no service ${project}/${name}`);
  if (version === "active") return;
  const found = await tx
    .selectFrom("versions")
    .select("id")
    .where("project", "=", project)
    .where("name", "=", name)
    .where("id", "=", version)
    .executeTakeFirst();
  if (found === undefined) throw new PlatformError("not-found", `service ${project}/${name} has no version ${version}`);
}
