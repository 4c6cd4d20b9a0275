import { isReservedType } from "../../events/reserved-types.ts";
import type { EventKey, ExecutionId } from "../../foundation/ids.ts";
import {
  type EventCause,
  type IncomingEvent,
  type RoutingBatch,
  type RoutingFacts,
  type RunRequestFacts,
  rootFlowOf,
} from "../routing.ts";
import { padded } from "./bulk-insert.ts";
import { readLinkEpoch } from "./link-epoch.ts";
import { readLinkSnapshot } from "./link-snapshot.ts";
import type { Tx } from "./store-context.ts";

/**
 * All that the decisions about `fresh` depend on, read in the transaction that will write them.
 * `covered` are of offsets decided earlier, and known whether or not the ledger has a row for them.
 */
export async function readRoutingFacts(
  tx: Tx,
  batch: Pick<RoutingBatch, "linkEpoch" | "unwanted"> & {
    fresh: readonly IncomingEvent[];
    covered: readonly IncomingEvent[];
  },
  now: number,
): Promise<RoutingFacts> {
  const { covered, linkEpoch, unwanted } = batch;
  const epoch = await readLinkEpoch(tx);
  const keys = batch.fresh.map(({ key }) => key);
  // What nobody wants now was perhaps decided while somebody did.
  const known = await readKnownKeys(tx, keys);
  const fresh = epoch === linkEpoch ? batch.fresh.filter(({ key }) => !unwanted?.has(key)) : batch.fresh;
  for (const { key } of covered) known.add(key);
  const causes = await readCauses(tx, fresh);
  return {
    newer: epoch === linkEpoch ? undefined : await readLinkSnapshot(tx),
    known,
    causes,
    flowExecutions: await readFlowExecutions(tx, fresh, causes),
    runRequests: await readRunRequests(tx, fresh),
    now,
  };
}

async function readKnownKeys(tx: Tx, keys: readonly EventKey[]): Promise<Set<EventKey>> {
  if (keys.length === 0) return new Set();
  const rows = await tx.selectFrom("ledger").select("key").where("key", "in", padded(keys)).execute();
  return new Set(rows.map(({ key }) => key));
}

async function readCauses(tx: Tx, events: readonly IncomingEvent[]): Promise<Map<string, EventCause>> {
  const ids = new Set<string>();
  for (const { event } of events) if (event.fxexecution !== undefined) ids.add(event.fxexecution);
  if (ids.size === 0) return new Map();
  const rows = await tx
    .selectFrom("executions")
    .select(["id", "sequence", "started_by_lifecycle", "project", "root_flow"])
    .where("id", "in", padded([...ids] as ExecutionId[]))
    .execute();
  return new Map(
    rows.map((row) => [
      row.id,
      {
        sequence: row.sequence,
        startedByLifecycle: row.started_by_lifecycle === 1,
        project: row.project,
        rootFlow: row.root_flow,
      },
    ]),
  );
}

async function readFlowExecutions(
  tx: Tx,
  events: readonly IncomingEvent[],
  causes: RoutingFacts["causes"],
): Promise<Map<string, number>> {
  if (events.length === 0) return new Map();
  const flows = new Set(events.map((incoming) => rootFlowOf(incoming, causes)));
  const rows = await tx
    .selectFrom("flows")
    .select(["correlation_id", "executions"])
    .where("correlation_id", "in", padded([...flows]))
    .execute();
  return new Map(rows.map((row) => [row.correlation_id, row.executions]));
}

async function readRunRequests(tx: Tx, events: readonly IncomingEvent[]): Promise<Map<EventKey, RunRequestFacts>> {
  // A run is asked for by an event of the platform's own type, and by no other.
  const keys = events.filter(({ event }) => isReservedType(event.type)).map(({ key }) => key);
  if (keys.length === 0) return new Map();
  const rows = await tx.selectFrom("run_requests").selectAll().where("key", "in", padded(keys)).execute();
  return new Map(
    rows.map(({ key, execution_id, project, service }) => [key, { executionId: execution_id, project, service }]),
  );
}
