import type { Kysely } from "kysely";
import { type Mapping, type MappingContent, type MappingField, mappingProblems } from "../../events/mapping.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { MappingId } from "../../foundation/ids.ts";
import type { MappingStore } from "../mappings.ts";
import { cursorOf, pageOf } from "./cursor.ts";
import { moveLinkEpoch } from "./link-epoch.ts";
import { hold, linksLock } from "./locks.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";
import type { MappingsTable, Tables } from "./tables.ts";

export function mappingStore(context: StoreContext): MappingStore {
  const { db, ids } = context;
  return {
    async list({ project, fromType, toType }, page) {
      const after = cursorOf(page, ["string"]);
      let query = db.selectFrom("mappings").selectAll();
      if (project !== undefined) query = query.where("project", "=", project);
      if (fromType !== undefined) query = query.where("from_type", "=", fromType);
      if (toType !== undefined) query = query.where("to_type", "=", toType);
      if (after) query = query.where("id", ">", after[0] as MappingId);
      const rows = await query
        .orderBy("id")
        .limit(page.limit + 1)
        .execute();
      return pageOf(rows, page, ({ id }) => [id], mappingOf);
    },

    async get(id) {
      const row = await db.selectFrom("mappings").selectAll().where("id", "=", id).executeTakeFirst();
      return row && mappingOf(row);
    },

    create: (mapping) =>
      inTransaction(context, async (tx, now) => {
        requireSound(mapping);
        await hold(context, tx, [linksLock]);
        await requireProject(tx, mapping.project);
        const row = { id: ids.next() as MappingId, ...rowOf(mapping), created_at: now };
        const there = await findByContent(tx, row);
        await moveLinkEpoch(tx);
        if (there === undefined) {
          await tx.insertInto("mappings").values(row).execute();
          return { mapping: mappingOf(row), created: true };
        }
        const changed = { ...row, id: there.id, created_at: there.created_at };
        await tx.updateTable("mappings").set(changed).where("id", "=", there.id).execute();
        return { mapping: mappingOf(changed), created: false };
      }),

    update: (id, change) =>
      inTransaction(context, async (tx) => {
        await hold(context, tx, [linksLock]);
        const former = await requireMapping(tx, id);
        const { name, filter, ...rest } = change;
        const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
        const changed: Mapping = {
          ...mappingOf(former),
          ...given,
          ...(name === undefined ? {} : { name: name ?? undefined }),
          ...(filter === undefined ? {} : { filter: filter ?? undefined }),
        };
        requireSound(changed);
        const row = { id, ...rowOf(changed), created_at: former.created_at };
        const other = await findByContent(tx, row);
        if (other !== undefined && other.id !== id) {
          throw new PlatformError("conflict", `mapping ${other.id} maps the same already: change or delete that one`);
        }
        await tx.updateTable("mappings").set(row).where("id", "=", id).execute();
        await moveLinkEpoch(tx);
        return mappingOf(row);
      }),

    delete: (id) =>
      inTransaction(context, async (tx) => {
        await hold(context, tx, [linksLock]);
        await requireMapping(tx, id);
        await tx.deleteFrom("mappings").where("id", "=", id).execute();
        await moveLinkEpoch(tx);
      }),
  };
}

/** All, for the routers' snapshot. */
export async function readMappings(db: Kysely<Tables>): Promise<Mapping[]> {
  return (await db.selectFrom("mappings").selectAll().orderBy("id").execute()).map(mappingOf);
}

function mappingOf(row: MappingsTable): Mapping {
  return {
    id: row.id,
    name: row.name ?? undefined,
    project: row.project === "" ? undefined : row.project,
    fromType: row.from_type,
    toType: row.to_type,
    filter: row.filter === "" ? undefined : row.filter,
    strategy: row.strategy,
    fields: JSON.parse(row.fields) as MappingField[],
    active: row.active === 1,
    origin: "person",
    createdAt: row.created_at,
  };
}

function rowOf(mapping: MappingContent): Omit<MappingsTable, "id" | "created_at"> {
  return {
    name: mapping.name ?? null,
    project: mapping.project ?? "",
    from_type: mapping.fromType,
    to_type: mapping.toType,
    filter: mapping.filter ?? "",
    strategy: mapping.strategy,
    fields: JSON.stringify(mapping.fields),
    active: mapping.active ? 1 : 0,
  };
}

function requireSound(mapping: MappingContent): void {
  const problems = mappingProblems(mapping);
  if (problems.length === 0) return;
  const text = problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
  throw new PlatformError("invalid-input", `the mapping is not sound: ${text}`, { problems });
}

async function requireMapping(tx: Tx, id: MappingId): Promise<MappingsTable> {
  const row = await tx.selectFrom("mappings").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new PlatformError("not-found", `there is no mapping ${id}`);
  return row;
}

async function requireProject(tx: Tx, project: string | undefined): Promise<void> {
  if (project === undefined) return;
  const found = await tx.selectFrom("projects").select("name").where("name", "=", project).executeTakeFirst();
  if (found === undefined) throw new PlatformError("not-found", `there is no project ${project}`);
}

function findByContent(
  tx: Tx,
  content: Pick<MappingsTable, "project" | "from_type" | "to_type" | "filter">,
): Promise<MappingsTable | undefined> {
  return tx
    .selectFrom("mappings")
    .selectAll()
    .where("project", "=", content.project)
    .where("from_type", "=", content.from_type)
    .where("to_type", "=", content.to_type)
    .where("filter", "=", content.filter)
    .executeTakeFirst();
}
