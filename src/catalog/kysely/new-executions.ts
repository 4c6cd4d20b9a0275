import type { CloudEvent } from "../../events/cloud-event.ts";
import type { Trigger } from "../../executions/execution.ts";
import { laneOf } from "../../executions/lanes.ts";
import type { EventKey, ExecutionId, LinkId, ReplayId } from "../../foundation/ids.ts";
import type { ExecutionSeed } from "../routing.ts";
import { BulkInsert } from "./bulk-insert.ts";
import { unblockHeads } from "./concurrency-keys.ts";
import { holdServices } from "./locks.ts";
import { keepQueues } from "./queue-limits.ts";
import type { StoreContext, Tx } from "./store-context.ts";
import { gates } from "./tables.ts";
import { joinTurns } from "./turns.ts";

/** A routed start, or one by name or by a person, which no link made. */
export interface NewExecution extends Omit<ExecutionSeed, "linkId"> {
  trigger: Trigger;
  key: EventKey;
  event: Pick<CloudEvent, "id" | "source" | "type"> & { correlationid?: string };
  linkId: LinkId | undefined;
  retryOf: ExecutionId | undefined;
  /** Of trigger `replay`: such an execution does not count to its flow (rule D14). */
  replayId?: ReplayId | undefined;
}

// An execution that is there for the same event and link stays the only one, whatever the ledger has forgotten since.
const insert = new BulkInsert(
  "executions",
  [
    "id",
    "project",
    "service",
    "version",
    "trigger",
    "event_key",
    "event_id",
    "event_source",
    "event_type",
    "link_id",
    "correlation_id",
    "root_flow",
    "sequence",
    "started_by_lifecycle",
    "priority",
    "lane",
    "concurrency_key",
    "retry_of",
    "replay_id",
    "created_at",
    "gate",
    "not_before",
  ],
  (query) =>
    query.onConflict((conflict) =>
      conflict.columns(["event_key", "link_id"]).where("retry_of", "is", null).doNothing(),
    ),
);

const count = new BulkInsert("flows", ["correlation_id", "executions", "updated_at"], (query) =>
  query.onConflict((conflict) =>
    conflict.column("correlation_id").doUpdateSet((eb) => ({
      executions: eb("flows.executions", "+", eb.ref("excluded.executions")),
      updated_at: eb.ref("excluded.updated_at"),
    })),
  ),
);

/**
 * Adds pending executions in the order given, and counts them to their flows (rule D14); those that their
 * services' queues have no room for end as skipped.
 */
export async function insertExecutions(
  context: StoreContext,
  tx: Tx,
  executions: readonly NewExecution[],
  now: number,
): Promise<{ inserted: number; skipped: number }> {
  if (executions.length === 0) return { inserted: 0, skipped: 0 };
  const rows = executions.map((execution) => rowOf(execution, now));
  await holdServices(context, tx, rows);
  const { inserted } = await insert.run(tx, rows);
  await joinTurns(
    tx,
    rows.filter(({ gate }) => gate === gates.ready),
  );
  await unblockHeads(context, tx, rows);
  const skipped = await keepQueues(context, tx, rows, now);
  await countInFlows(
    tx,
    rows.filter(({ replay_id }) => replay_id === null).map(({ root_flow }) => root_flow),
    now,
  );
  return { inserted, skipped };
}

/** One for each time that a flow is named: an execution, or an event that a mapping made. */
export async function countInFlows(tx: Tx, rootFlows: readonly string[], now: number): Promise<void> {
  const flows = new Map<string, number>();
  for (const flow of rootFlows) flows.set(flow, (flows.get(flow) ?? 0) + 1);
  await count.run(
    tx,
    // In one order for all: two routers that count to the same flows wait for each other, and not in a circle.
    [...flows]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([flow, started]) => ({ correlation_id: flow, executions: started, updated_at: now })),
  );
}

function rowOf(execution: NewExecution, now: number) {
  const { event, concurrencyKey } = execution;
  return {
    id: execution.id,
    project: execution.project,
    service: execution.service,
    version: execution.version,
    trigger: execution.trigger,
    event_key: execution.key,
    event_id: event.id,
    event_source: event.source,
    event_type: event.type,
    link_id: execution.linkId ?? ("" as const),
    correlation_id: event.correlationid ?? event.id,
    root_flow: execution.rootFlow,
    sequence: execution.sequence,
    started_by_lifecycle: execution.startedByLifecycle ? 1 : 0,
    priority: execution.priority,
    lane: laneOf(execution.priority),
    concurrency_key: concurrencyKey ?? null,
    retry_of: execution.retryOf ?? null,
    replay_id: execution.replayId ?? null,
    created_at: now,
    // Whether it is the head of its key is known once all of the batch are in.
    gate: concurrencyKey === undefined ? gates.ready : gates.blocked,
    not_before: now,
  };
}
