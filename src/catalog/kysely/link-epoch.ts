import type { Kysely } from "kysely";
import type { Tx } from "./store-context.ts";
import type { Tables } from "./tables.ts";

export async function readLinkEpoch(db: Kysely<Tables>): Promise<number> {
  const row = await db
    .selectFrom("settings")
    .select("value")
    .where("name", "=", "link_epoch")
    .executeTakeFirstOrThrow();
  return row.value;
}

/** Whoever routes next reads the links again. Answers the new epoch. */
export async function moveLinkEpoch(tx: Tx): Promise<number> {
  const row = await tx
    .updateTable("settings")
    .set((eb) => ({ value: eb("value", "+", 1) }))
    .where("name", "=", "link_epoch")
    .returning("value")
    .executeTakeFirstOrThrow();
  return row.value;
}
