import type { VersionId } from "../../foundation/ids.ts";
import { padded } from "./bulk-insert.ts";
import type { Tx } from "./store-context.ts";

/** What becomes of lost attempts of these versions, by the manifest of each. */
export async function readOnLost(tx: Tx, versions: readonly VersionId[]): Promise<Map<VersionId, "retry" | "fail">> {
  const ids = [...new Set(versions)];
  if (ids.length === 0) return new Map();
  const rows = await tx.selectFrom("versions").select(["id", "on_lost"]).where("id", "in", padded(ids)).execute();
  return new Map(rows.map((row) => [row.id, row.on_lost]));
}
