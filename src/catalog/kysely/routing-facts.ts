import type { CloudEvent } from "../../events/cloud-event.ts";
import { differingKeyOf, eventDigestOf } from "../../events/event-key.ts";
import { isReservedType, platformEventTypes } from "../../events/reserved-types.ts";
import { topics } from "../../events/topics.ts";
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
import { Statement } from "./statement.ts";
import type { StoreContext, Tx } from "./store-context.ts";

/**
 * All that the decisions about `fresh` depend on, read in the transaction that will write them.
 * `covered` are of offsets decided earlier, and known whether or not the ledger has a row for them.
 */
export async function readRoutingFacts(
  context: StoreContext,
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
  const digests = await readDigests(context, tx, keys);
  const known = new Set(digests.keys());
  const fresh = epoch === linkEpoch ? batch.fresh.filter(({ key }) => !unwanted?.has(key)) : batch.fresh;
  for (const { key } of covered) known.add(key);
  const differing = differingOf(batch.fresh, digests);
  for (const key of (await readDigests(context, tx, [...differing.values()])).keys()) known.add(key);
  const causes = await readCauses(context, tx, fresh);
  return {
    newer: epoch === linkEpoch ? undefined : await readLinkSnapshot(tx),
    known,
    differing,
    causes,
    flowExecutions: await readFlowExecutions(context, tx, fresh, causes),
    runRequests: await readRunRequests(tx, fresh),
    now,
  };
}

const selectDigests = new Statement(({ tx }, keys: readonly EventKey[]) =>
  tx.selectFrom("ledger").select(["key", "digest"]).where("key", "in", keys),
);

/** Of those that the ledger holds. */
export async function readDigests(
  context: StoreContext,
  tx: Tx,
  keys: readonly EventKey[],
): Promise<Map<EventKey, string>> {
  if (keys.length === 0) return new Map();
  const rows = await selectDigests.rows(context, tx, padded(keys));
  return new Map(rows.map(({ key, digest }) => [key, digest]));
}

/** Only what has a key already is hashed: repeats are few. */
export function differingOf(
  events: readonly IncomingEvent[],
  digests: ReadonlyMap<EventKey, string>,
): Map<IncomingEvent, EventKey> {
  const said = new Map<EventKey, string | CloudEvent>(digests);
  const differing = new Map<IncomingEvent, EventKey>();
  for (const incoming of events) {
    const { key, event } = incoming;
    const former = said.get(key);
    if (former === undefined) said.set(key, event);
    if (former === undefined || !hasIdFromOutside(incoming)) continue;
    const digest = eventDigestOf(event);
    if (digest !== (typeof former === "string" ? former : eventDigestOf(former))) {
      differing.set(incoming, differingKeyOf(key, digest));
    }
  }
  return differing;
}

/** An id that the platform has made names what caused the event, which may be told in other words the second time (rule D1). */
function hasIdFromOutside({ topic, event }: IncomingEvent): boolean {
  return topic === topics.events || event.type === platformEventTypes.webhookIncoming;
}

const selectCauses = new Statement(({ tx }, ids: readonly ExecutionId[]) =>
  tx
    .selectFrom("executions")
    .select(["id", "sequence", "started_by_lifecycle", "project", "root_flow"])
    .where("id", "in", ids),
);

async function readCauses(
  context: StoreContext,
  tx: Tx,
  events: readonly IncomingEvent[],
): Promise<Map<string, EventCause>> {
  const ids = new Set<string>();
  for (const { event } of events) if (event.fxexecution !== undefined) ids.add(event.fxexecution);
  if (ids.size === 0) return new Map();
  const rows = await selectCauses.rows(context, tx, padded([...ids] as ExecutionId[]));
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

const selectFlows = new Statement(({ tx }, flows: readonly string[]) =>
  tx.selectFrom("flows").select(["correlation_id", "executions"]).where("correlation_id", "in", flows),
);

async function readFlowExecutions(
  context: StoreContext,
  tx: Tx,
  events: readonly IncomingEvent[],
  causes: RoutingFacts["causes"],
): Promise<Map<string, number>> {
  if (events.length === 0) return new Map();
  const flows = new Set(events.map((incoming) => rootFlowOf(incoming, causes)));
  const rows = await selectFlows.rows(context, tx, padded([...flows]));
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
