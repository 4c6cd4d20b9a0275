import type { EventKey } from "../../foundation/ids.ts";
import { BulkInsert } from "./bulk-insert.ts";
import type { Tx } from "./store-context.ts";

const insert = new BulkInsert("bodies", ["key", "body", "stored_at", "stripped"], (query) =>
  query.onConflict((conflict) => conflict.column("key").doNothing()),
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
