import { type RawBuilder, sql } from "kysely";
import type { CloudEvent } from "../../events/cloud-event.ts";
import type { MappingVerdict } from "../../services/mapping-index.ts";
import type { LedgerEntry, LedgerLink, LedgerStore } from "../ledger.ts";
import { padded } from "./bulk-insert.ts";
import { cursorOf, pageOf } from "./cursor.ts";
import { type LedgerRow, ledgerConditions, ledgerListQuery, selectLedger } from "./ledger-list.ts";
import { hold, ledgerLock } from "./locks.ts";
import { inTransaction, type StoreContext } from "./store-context.ts";

export function ledgerStore(context: StoreContext): LedgerStore {
  const { db, traits } = context;
  const select = async (rest: RawBuilder<unknown>, from: StoreContext["db"] = db) => {
    const query = sql<LedgerRow>`${selectLedger(context)} ${rest}`;
    return (await query.execute(from)).rows.map(entryOf);
  };
  return {
    async get(key) {
      return (await select(sql`where l.key = ${key}`))[0];
    },

    async digests(keys) {
      if (keys.length === 0) return new Map();
      const rows = await db.selectFrom("ledger").select(["key", "digest"]).where("key", "in", padded(keys)).execute();
      return new Map(rows.map(({ key, digest }) => [key, digest]));
    },

    async list(filter, page) {
      const after = cursorOf(page, ["number", "number"]);
      const { rows } = await ledgerListQuery(context, filter, after, page.limit + 1).execute(db);
      return pageOf(rows, page, (row) => [row.received_at, row.seq], entryOf);
    },

    since: (seq, filter, limit) => {
      const conditions = sql.join([sql`l.seq > ${seq}`, ...ledgerConditions(filter)], sql` and `);
      const rest = sql`where ${conditions} order by l.seq limit ${limit}`;
      if (traits.locks === undefined) return select(rest);
      // A lower number may be under way beside a higher one that is there: whoever goes on from that would miss it.
      return inTransaction(context, async (tx) => {
        await hold(context, tx, [ledgerLock]);
        return select(rest, tx);
      });
    },

    async latestSeq() {
      const newest = db.selectFrom("ledger").select((eb) => eb.fn.max("seq").as("seq"));
      return (await newest.executeTakeFirst())?.seq ?? 0;
    },

    async flow(correlationId, limit) {
      const entries = await select(
        sql`where l.correlation_id = ${correlationId} order by l.received_at, l.seq limit ${limit}`,
      );
      return entries.sort((a, b) => a.seq - b.seq);
    },

    async typesBelow(prefix, limit) {
      // Leaps from type to type along the index: the cost is that of the types, not of their events.
      const types: string[] = [];
      let last = prefix;
      while (types.length < limit) {
        const found = await sql<{ type: string | null }>`
          select min(type) as type from ledger where type > ${last}`.execute(db);
        const type = found.rows[0]?.type;
        if (typeof type !== "string" || !type.startsWith(prefix)) break;
        types.push(type);
        last = type;
      }
      return types;
    },

    async totals() {
      const rows = await db.selectFrom("partitions").selectAll().orderBy("topic").orderBy("partition").execute();
      return rows.map(({ from_offset, to_offset, ...counts }) => ({
        ...counts,
        fromOffset: from_offset,
        toOffset: to_offset,
      }));
    },
  };
}

function entryOf(row: LedgerRow): LedgerEntry {
  return {
    seq: row.seq,
    key: row.key,
    event: eventOf(row),
    outcome: row.outcome,
    reason: row.reason ?? undefined,
    links: (JSON.parse(row.links) as LedgerLink[]).map(linkOf),
    mappings: row.mappings === null ? [] : (JSON.parse(row.mappings) as MappingVerdict[]).map(mappingOf),
    stripped: row.stripped !== 0,
    sequence: row.sequence,
    receivedAt: row.received_at,
    decidedAt: row.decided_at,
  };
}

function eventOf(row: LedgerRow): CloudEvent {
  if (row.body) return JSON.parse(Buffer.from(row.body).toString()) as CloudEvent;
  const { event_id: id, source, type, correlation_id: correlationid } = row;
  return { specversion: "1.0", id, source, type, correlationid };
}

/** JSON has no undefined: what was left out is put back. */
function linkOf({ linkId, project, service, matched, reason, executionId }: LedgerLink): LedgerLink {
  return { linkId, project, service, matched, reason, executionId };
}

function mappingOf({ mappingId, name, toType, matched, reason, eventKey }: MappingVerdict): MappingVerdict {
  return { mappingId, name, toType, matched, reason, eventKey };
}
