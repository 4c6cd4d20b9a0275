import type { CloudEvent } from "../../events/cloud-event.ts";
import { topics } from "../../events/topics.ts";
import type { OutboxStore } from "../outbox.ts";
import { BulkInsert, padded } from "./bulk-insert.ts";
import type { StoreContext, Tx } from "./store-context.ts";

const insert = new BulkInsert("outbox", ["topic", "event"]);

/** Adds the platform's own events to the transaction that implies them (rule D1). */
export async function announce(tx: Tx, events: readonly CloudEvent[]): Promise<void> {
  await insert.run(
    tx,
    events.map((event) => ({ topic: topics.platform, event: JSON.stringify(event) })),
  );
}

export function outboxStore({ db, durable }: StoreContext): OutboxStore {
  return {
    async peek(limit) {
      const rows = await db.selectFrom("outbox").selectAll().orderBy("id").limit(limit).execute();
      // A look may see what is not on the disk yet, and what is sent cannot be undone with it.
      if (rows.length > 0) await durable();
      return rows.map(({ id, topic, event }) => ({ id, topic, event: JSON.parse(event) as CloudEvent }));
    },

    // Not waited for to be durable: what a power cut brings back is sent again, and dropped as a repeat by whoever routes it.
    async clear(ids) {
      const chunk = 1024;
      for (let from = 0; from < ids.length; from += chunk) {
        await db
          .deleteFrom("outbox")
          .where("id", "in", padded(ids.slice(from, from + chunk)))
          .execute();
      }
    },
  };
}
