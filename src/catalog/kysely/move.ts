import type { Execution } from "../../executions/execution.ts";
import { type Lane, priorityIn } from "../../executions/lanes.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { ExecutionId } from "../../foundation/ids.ts";
import { type ExecutionRow, executionOf, holdExecution } from "./execution-rows.ts";
import { inTransaction, type StoreContext } from "./store-context.ts";
import { gates } from "./tables.ts";
import { joinTurns } from "./turns.ts";

/** One that is not due yet, or waits behind another of its key, keeps waiting: its lane says when it is claimed then. */
export function moveExecution(context: StoreContext, id: ExecutionId, lane: Lane): Promise<Execution> {
  return inTransaction(context, async (tx) => {
    const row = await holdExecution(context, tx, id);
    requireMovable(row, lane);
    const moved = { ...row, lane, priority: priorityIn(lane, row.priority), moved_from: row.lane };
    const { priority, moved_from } = moved;
    await tx.updateTable("executions").set({ lane, priority, moved_from }).where("seq", "=", row.seq).execute();
    if (row.gate === gates.ready) await joinTurns(tx, [moved]);
    return executionOf(moved);
  });
}

function requireMovable({ id, status, lane: from, moved_from: before }: ExecutionRow, lane: Lane): void {
  const refuse = (reason: string) => new PlatformError("conflict", `execution ${id} ${reason}`);
  if (status !== "pending") throw refuse(`is ${status}: only a pending one can be moved to another lane`);
  if (before !== null) throw refuse(`was moved already, from ${before} to ${from}: an execution is moved once`);
  if (from === lane) throw refuse(`is in the lane ${lane} already`);
}
