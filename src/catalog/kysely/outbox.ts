import { type Selectable, sql } from "kysely";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { topics } from "../../events/topics.ts";
import type { OutboxEntry, OutboxStore } from "../outbox.ts";
import { BulkInsert, padded } from "./bulk-insert.ts";
import { Statement } from "./statement.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";
import type { OutboxTable } from "./tables.ts";

/** By then a backbone has taken events or said that it is away; what is locked meanwhile waits in no one's way but its own. */
const publishWithinMs = 30_000;

const insert = new BulkInsert("outbox", ["topic", "event"]);

/** Adds the platform's own events to the transaction that implies them (rule D1). */
export async function announce(tx: Tx, events: readonly CloudEvent[]): Promise<void> {
  await insert.run(
    tx,
    events.map((event) => ({ topic: topics.platform, event: JSON.stringify(event) })),
  );
}

export function outboxStore(context: StoreContext): OutboxStore {
  const { db, durable, traits } = context;

  const peek = async (limit: number) => {
    const rows = await selectFirst.rows(context, db, limit);
    // A look may see what is not on the disk yet, and what is sent cannot be undone with it.
    if (rows.length > 0) await durable();
    return rows.map(entryOf);
  };

  return {
    peek,

    async send(limit, publish) {
      if (traits.locks === undefined) {
        const entries = await peek(limit);
        if (entries.length === 0) return 0;
        await publish(entries);
        // Not waited for to be durable: what a power cut brings back is sent again, and dropped as a repeat by whoever routes it.
        await remove(context, db, entries);
        return entries.length;
      }
      // What is locked is in another's hand; the lock ends with the transaction, also that of a process that stands still.
      return inTransaction(context, async (tx) => {
        const { rows } = await sql<Selectable<OutboxTable>>`
          select * from outbox order by id limit ${limit} ${traits.skipLocked}`.execute(tx);
        const entries = rows.map(entryOf);
        if (entries.length === 0) return 0;
        await traits.locks?.allowPause(tx, publishWithinMs);
        await publish(entries);
        await remove(context, tx, entries);
        return entries.length;
      });
    },
  };
}

function entryOf({ id, topic, event }: Selectable<OutboxTable>): OutboxEntry {
  return { id, topic, event: JSON.parse(event) as CloudEvent };
}

const selectFirst = new Statement(({ tx }, limit: number) =>
  tx.selectFrom("outbox").selectAll().orderBy("id").limit(limit),
);

const deleteThose = new Statement(({ tx }, ids: readonly number[]) => tx.deleteFrom("outbox").where("id", "in", ids));

async function remove(context: StoreContext, db: StoreContext["db"], entries: readonly OutboxEntry[]): Promise<void> {
  const ids = entries.map(({ id }) => id);
  const chunk = 1024;
  for (let from = 0; from < ids.length; from += chunk) {
    await deleteThose.run(context, db, padded(ids.slice(from, from + chunk)));
  }
}
