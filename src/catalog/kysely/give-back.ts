import type { ExecutionRow } from "./execution-rows.ts";
import type { StoreContext, Tx } from "./store-context.ts";
import { gates } from "./tables.ts";
import { joinTurns, reopenFull } from "./turns.ts";

/** Claimed ones that were not begun wait as they did before: the attempt is not counted, and they are due at once. */
export async function giveBack(
  context: StoreContext,
  tx: Tx,
  rows: readonly ExecutionRow[],
  now: number,
): Promise<void> {
  for (const row of rows) {
    await tx
      .updateTable("executions")
      .set({
        status: "pending",
        attempt: row.attempt - 1,
        gate: gates.ready,
        not_before: now,
        lease_owner: null,
        lease_until: null,
        // A first attempt that was not begun did not start the execution.
        ...(row.attempt === 1 ? { started_at: null } : {}),
      })
      .where("seq", "=", row.seq)
      .where("token", "=", row.token)
      .execute();
  }
  await reopenFull(context, tx, rows);
  await joinTurns(tx, rows);
}
