import type { ExecutionId } from "../../foundation/ids.ts";
import type { HeldLease } from "../leases.ts";
import { padded } from "./bulk-insert.ts";
import type { ExecutionRow } from "./execution-rows.ts";
import type { Tx } from "./store-context.ts";

/** The executions in progress among those named; the caller compares the tokens. */
export async function readHeld(tx: Tx, leases: readonly HeldLease[]): Promise<Map<ExecutionId, ExecutionRow>> {
  if (leases.length === 0) return new Map();
  const rows = await tx
    .selectFrom("executions")
    .selectAll()
    .where("id", "in", padded(leases.map(({ id }) => id)))
    .where("status", "=", "in_progress")
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}
