import { type LifecycleChange, lifecycleEvent } from "../../executions/lifecycle-events.ts";
import { unblockHeads } from "./concurrency-keys.ts";
import { type ExecutionRow, executionOf } from "./execution-rows.ts";
import { announce } from "./outbox.ts";
import { isAnnounced } from "./replay-rows.ts";
import type { StoreContext, Tx } from "./store-context.ts";

/** Ends pending executions, as read in this transaction, that will not be run: with their events, and the next of their keys. */
export async function endPending(
  context: StoreContext,
  tx: Tx,
  rows: readonly ExecutionRow[],
  end: Extract<LifecycleChange, { kind: "cancelled" | "skipped" }>,
  now: number,
): Promise<ExecutionRow[]> {
  const change = { status: end.kind, finished_at: now, skip_reason: end.reason ?? null };
  const ended: ExecutionRow[] = [];
  for (const row of rows) {
    const result = await tx
      .updateTable("executions")
      .set(change)
      .where("seq", "=", row.seq)
      .where("status", "=", "pending")
      .executeTakeFirst();
    if (result.numUpdatedRows === 1n) ended.push({ ...row, ...change });
  }
  await unblockHeads(context, tx, ended);
  await announce(
    tx,
    ended.filter(isAnnounced).map((row) => lifecycleEvent(executionOf(row), end, now)),
  );
  return ended;
}
