import type { HeldLease } from "../leases.ts";
import { endAttempts } from "./end-attempts.ts";
import type { ExecutionRow } from "./execution-rows.ts";
import { giveBack } from "./give-back.ts";
import { readHeld } from "./held-leases.ts";
import { inTransaction, type StoreContext } from "./store-context.ts";

/** Unbegun attempts were never made: not counted, no error, due at once. One that was to be cancelled is. */
export function release(context: StoreContext, leases: readonly HeldLease[]): Promise<void> {
  return inTransaction(context, async (tx, now) => {
    const held = await readHeld(context, tx, leases);
    const cancelled: ExecutionRow[] = [];
    const released: ExecutionRow[] = [];
    for (const { id, token } of leases) {
      const row = held.get(id);
      if (row?.token !== token) continue;
      held.delete(id);
      if (row.cancel_requested === 1) {
        cancelled.push(row);
        continue;
      }
      released.push(row);
    }
    await giveBack(context, tx, released, now);
    const attempts = cancelled.map((row) => ({ row, steps: [], outcome: { kind: "cancelled" } as const }));
    await endAttempts(context, tx, attempts, now);
  });
}
