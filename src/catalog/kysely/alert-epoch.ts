import type { Kysely } from "kysely";
import type { Tx } from "./store-context.ts";
import type { Tables } from "./tables.ts";

export async function readAlertEpoch(db: Kysely<Tables>): Promise<number> {
  const row = await db
    .selectFrom("settings")
    .select("value")
    .where("name", "=", "alert_epoch")
    .executeTakeFirstOrThrow();
  return row.value;
}

/** Whoever watches reads the rules again. */
export async function moveAlertEpoch(tx: Tx): Promise<void> {
  await tx
    .updateTable("settings")
    .set((eb) => ({ value: eb("value", "+", 1) }))
    .where("name", "=", "alert_epoch")
    .execute();
}
