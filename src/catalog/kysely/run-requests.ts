import type { RunRequestStore } from "../run-requests.ts";
import { storeBodies } from "./bodies.ts";
import { insertExecutions } from "./new-executions.ts";
import { announce } from "./outbox.ts";
import { inTransaction, type StoreContext } from "./store-context.ts";

export function runRequestStore(context: StoreContext): RunRequestStore {
  return {
    request: (run) =>
      inTransaction(context, async (tx, now) => {
        const { id, key, event, project, service } = run;
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
          startedByLifecycle: false,
          retryOf: undefined,
          rootFlow: event.correlationid ?? event.id,
        };
        await insertExecutions(context, tx, [start], now);
        await announce(tx, [event]);
        return { executionId: id, created: true };
      }),
  };
}
