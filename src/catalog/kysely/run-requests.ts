import type { ExecutionId } from "../../foundation/ids.ts";
import type { RunRequest, RunRequestStore } from "../run-requests.ts";
import { storeBodies } from "./bodies.ts";
import { holdForRun } from "./locks.ts";
import { insertExecutions, type NewExecution } from "./new-executions.ts";
import { announce } from "./outbox.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";

export function runRequestStore(context: StoreContext): RunRequestStore {
  return { request: (run) => inTransaction(context, (tx, now) => requestRun(context, tx, run, now)) };
}

/** What a run that another execution asked for takes over from it. */
type Inherited = Pick<NewExecution, "rootFlow" | "startedByLifecycle">;

/** Within the caller's transaction, so that what the run is asked for changes with it. */
export async function requestRun(
  context: StoreContext,
  tx: Tx,
  run: RunRequest,
  now: number,
  inherited?: Inherited,
): Promise<{ executionId: ExecutionId; created: boolean }> {
  const { id, key, event, project, service } = run;
  await holdForRun(context, tx, run);
  const request = await tx
    .insertInto("run_requests")
    .values({ key, execution_id: id, project, service, created_at: now })
    .onConflict((conflict) => conflict.column("key").doNothing())
    .executeTakeFirst();
  if (request.numInsertedOrUpdatedRows === 0n) {
    const there = await tx
      .selectFrom("run_requests")
      .select("execution_id")
      .where("key", "=", key)
      .executeTakeFirstOrThrow();
    return { executionId: there.execution_id, created: false };
  }
  await storeBodies(tx, [{ key, body: Buffer.from(JSON.stringify(event)), storedAt: now }]);
  const start = {
    ...run,
    linkId: undefined,
    sequence: Number(event.sequence ?? 0) || 0,
    retryOf: undefined,
    ...(inherited ?? { startedByLifecycle: false, rootFlow: event.correlationid ?? event.id }),
  };
  await insertExecutions(context, tx, [start], now);
  await announce(tx, [event]);
  return { executionId: id, created: true };
}
