import { isTerminal } from "../../executions/execution.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { ExecutionStore } from "../executions.ts";
import { endPending } from "./end-pending.ts";
import { countExecutions, listExecutions } from "./execution-list.ts";
import { executionOf, holdExecution, readExecution, stepOf } from "./execution-rows.ts";
import { moveExecution } from "./move.ts";
import { retryExecution } from "./retry.ts";
import { inTransaction, type StoreContext } from "./store-context.ts";
import { waitReasonOf } from "./wait-reason.ts";

export function executionStore(context: StoreContext): ExecutionStore {
  const { db } = context;
  return {
    list: (filter, page) => listExecutions(context, filter, page),
    count: (filter) => countExecutions(context, filter),

    async get(id) {
      const row = await readExecution(db, id);
      return row && executionOf(row);
    },

    async steps(id) {
      const rows = await db
        .selectFrom("steps")
        .selectAll()
        .where("execution_id", "=", id)
        .orderBy("attempt")
        .orderBy("n")
        .execute();
      return rows.map(stepOf);
    },

    waitsFor: (id) => waitReasonOf(context, id),
    move: (id, lane) => moveExecution(context, id, lane),
    retry: (id, options) => retryExecution(context, id, options),

    cancel: (id) =>
      inTransaction(context, async (tx, now) => {
        const row = await holdExecution(context, tx, id);
        if (isTerminal(row.status)) {
          throw new PlatformError("conflict", `execution ${id} is ${row.status} already: it cannot be cancelled`);
        }
        if (row.status === "pending") {
          const [ended = row] = await endPending(context, tx, [row], { kind: "cancelled", reason: undefined }, now);
          return executionOf(ended);
        }
        await tx.updateTable("executions").set({ cancel_requested: 1 }).where("seq", "=", row.seq).execute();
        return executionOf({ ...row, cancel_requested: 1 });
      }),

    skip: (id) =>
      inTransaction(context, async (tx, now) => {
        const row = await holdExecution(context, tx, id);
        if (row.status !== "pending") {
          throw new PlatformError("conflict", `execution ${id} is ${row.status}: only a pending one can be skipped`);
        }
        const [ended = row] = await endPending(context, tx, [row], { kind: "skipped", reason: undefined }, now);
        return executionOf(ended);
      }),
  };
}
