import { type Execution, isTerminal } from "../../executions/execution.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { ExecutionId, VersionId } from "../../foundation/ids.ts";
import type { RetryOptions } from "../executions.ts";
import { type ExecutionRow, executionOf, readExecution, requireExecution } from "./execution-rows.ts";
import { historyReadLock, hold, linksReadLock } from "./locks.ts";
import { insertExecutions } from "./new-executions.ts";
import { requireService, requireVersion } from "./service-rows.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";

/** Retrying under an id that is there already answers what that retry made. */
export function retryExecution(context: StoreContext, id: ExecutionId, options: RetryOptions): Promise<Execution> {
  const { newId } = options;
  return inTransaction(context, async (tx, now) => {
    await hold(context, tx, [linksReadLock, historyReadLock]);
    const original = await requireExecution(tx, id);
    const made = await readExecution(tx, newId);
    if (made) {
      if (made.retry_of === id) return executionOf(made);
      throw new PlatformError("conflict", `execution ${newId} is there already, and is not a retry of ${id}`);
    }
    if (!isTerminal(original.status)) {
      throw new PlatformError(
        "conflict",
        `execution ${id} is ${original.status}: only one that has ended can be retried`,
      );
    }
    if (original.replay_id !== null) {
      throw new PlatformError("conflict", `execution ${id} is of a replay: replay its flow again instead`);
    }
    await requireData(tx, original);
    const { priority } = await requireService(tx, original.project, original.service);
    const retry = {
      id: newId,
      trigger: original.trigger,
      key: original.event_key,
      event: {
        id: original.event_id,
        source: original.event_source,
        type: original.event_type,
        correlationid: original.correlation_id,
      },
      linkId: undefined,
      project: original.project,
      service: original.service,
      version: await chooseVersion(tx, original, options.version),
      priority,
      concurrencyKey: original.concurrency_key ?? undefined,
      sequence: original.sequence,
      startedByLifecycle: original.started_by_lifecycle === 1,
      retryOf: id,
      rootFlow: original.root_flow,
    };
    await insertExecutions(context, tx, [retry], now);
    return executionOf(await requireExecution(tx, newId));
  });
}

async function requireData(tx: Tx, { id, event_key }: ExecutionRow): Promise<void> {
  const body = await tx.selectFrom("bodies").select("stripped").where("key", "=", event_key).executeTakeFirst();
  if (body === undefined || body.stripped === 1) {
    throw new PlatformError("conflict", `execution ${id} cannot be retried: its event's data is past its retention`);
  }
}

async function chooseVersion(tx: Tx, original: ExecutionRow, choice: RetryOptions["version"]): Promise<VersionId> {
  const { project, service } = original;
  if (choice === "active") {
    const { active_version } = await requireService(tx, project, service);
    if (active_version === null)
      throw new PlatformError("not-found", `service ${project}/${service} has no active version`);
    return active_version;
  }
  const version = choice === "same" ? original.version : (choice as VersionId);
  return (await requireVersion(tx, project, service, version)).id;
}
