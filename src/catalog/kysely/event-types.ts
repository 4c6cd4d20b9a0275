import { sql } from "kysely";
import { settledSamples } from "../../events/schema/settled.ts";
import { decodeShape } from "../../events/schema/shape-codec.ts";
import { PlatformError } from "../../foundation/errors.ts";
import { type EventTypeStore, type EventTypeSummary, type EventTypeVersion, maxVersions } from "../event-types.ts";
import { cursorOf, pageOf } from "./cursor.ts";
import { learnType } from "./learn-event-type.ts";
import { eventTypesLock, hold } from "./locks.ts";
import { inTransaction, type StoreContext } from "./store-context.ts";
import type { EventTypesTable, EventTypeVersionsTable } from "./tables.ts";

export function eventTypeStore(context: StoreContext): EventTypeStore {
  const { db } = context;

  const versionsOf = (type: string) => db.selectFrom("event_type_versions").selectAll().where("type", "=", type);

  return {
    async list({ prefix, contains }, page) {
      const after = cursorOf(page, ["string"]);
      let query = db
        .selectFrom("event_types")
        .select(["type", "first_seen", "last_seen", "count", "version"])
        .orderBy("type")
        .limit(page.limit + 1);
      if (prefix !== undefined) query = query.where("type", ">=", prefix).where("type", "<", endOf(prefix));
      if (contains !== undefined) {
        const pattern = `%${contains.toLowerCase().replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
        query = query.where(sql<boolean>`lower(type) like ${pattern} escape '\\'`);
      }
      if (after) query = query.where("type", ">", after[0]);
      return pageOf(await query.execute(), page, ({ type }) => [type], summaryOf);
    },

    async get(type) {
      const row = await db.selectFrom("event_types").selectAll().where("type", "=", type).executeTakeFirst();
      if (row === undefined) return undefined;
      const version = await versionsOf(type).where("n", "=", row.version).executeTakeFirstOrThrow();
      const { schema, dataRequired } = versionOf(version);
      const settled = decodeShape(row.shape).samples >= settledSamples;
      return { ...summaryOf(row), schema, dataRequired, settled, producers: JSON.parse(row.producers) };
    },

    async version(type, n) {
      const row = await versionsOf(type).where("n", "=", n).executeTakeFirst();
      return row && versionOf(row);
    },

    async versions(type) {
      return (await versionsOf(type).orderBy("n", "desc").limit(maxVersions).execute()).map(versionOf);
    },

    async shapes(types) {
      if (types.length === 0) return new Map();
      const rows = await db.selectFrom("event_types").select(["type", "shape"]).where("type", "in", types).execute();
      return new Map(rows.map(({ type, shape }) => [type, decodeShape(shape)]));
    },

    learn: (observations) =>
      inTransaction(context, async (tx, now) => {
        await hold(context, tx, [eventTypesLock]);
        const learned = [];
        for (const observation of observations) learned.push(await learnType(tx, observation, now));
        return learned;
      }),

    forget: (type) =>
      inTransaction(context, async (tx) => {
        await hold(context, tx, [eventTypesLock]);
        await tx.deleteFrom("event_type_versions").where("type", "=", type).execute();
        const { numDeletedRows } = await tx.deleteFrom("event_types").where("type", "=", type).executeTakeFirst();
        if (numDeletedRows === 0n) throw new PlatformError("not-found", `no event of the type "${type}" was seen`);
      }),
  };
}

/** Sorts after all that begin with the prefix: the last character there is stands for nothing. */
function endOf(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

function summaryOf(row: Omit<EventTypesTable, "producers" | "shape">): EventTypeSummary {
  const { type, first_seen, last_seen, count, version } = row;
  return { type, firstSeen: first_seen, lastSeen: last_seen, count, version };
}

function versionOf({ n, schema, data_required, changes, created_at }: EventTypeVersionsTable): EventTypeVersion {
  return {
    n,
    schema: JSON.parse(schema),
    dataRequired: data_required === 1,
    changes: JSON.parse(changes),
    createdAt: created_at,
  };
}
