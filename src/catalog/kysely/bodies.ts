import { sql } from "kysely";
import type { EventKey } from "../../foundation/ids.ts";
import { BulkInsert } from "./bulk-insert.ts";
import type { Tx } from "./store-context.ts";

const insert = new BulkInsert("bodies", ["key", "body", "stored_at", "stripped"], (query) =>
  query.onConflict((conflict) =>
    conflict
      .column("key")
      // One whose data retention took is whole again when the event comes anew, after the ledger forgot it.
      .doUpdateSet((eb) => ({
        body: eb.ref("excluded.body"),
        stored_at: eb.ref("excluded.stored_at"),
        stripped: eb.ref("excluded.stripped"),
      }))
      .where(sql<boolean>`bodies.stripped = 1`),
  ),
);

/** Stores each event's JSON once, whoever comes first: a run request or the router. */
export async function storeBodies(
  tx: Tx,
  bodies: readonly { key: EventKey; body: Uint8Array; storedAt: number }[],
): Promise<void> {
  await insert.run(
    tx,
    bodies.map(({ key, body, storedAt }) => ({ key, body, stored_at: storedAt, stripped: 0 })),
  );
}
