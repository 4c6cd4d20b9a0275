import type { CloudEvent } from "../events/cloud-event.ts";
import { topics } from "../events/topics.ts";
import type { EventKey, ExecutionId, LinkId, VersionId } from "../foundation/ids.ts";
import type { LinkVerdict } from "../services/link-index.ts";
import type { MadeEvent, MappingVerdict } from "../services/mapping-index.ts";
import type { LinkSnapshot } from "./links.ts";

/** Routing as one transaction (rule D2): it reads all that a decision depends on, asks for the decision, and writes it. */
export interface RoutingStore {
  /**
   * Decides a batch. In one transaction: reads the facts, calls `decide` once (synchronous and
   * pure; a second time where another router was faster), and writes ledger rows (on conflict nothing), bodies, executions of the rows that this
   * call inserted, outbox rows, batch counts and the group's positions. Events whose key is in
   * `facts.known` are duplicates: nothing is written for them but the count. When it throws,
   * nothing was written. An event that occurs twice in the batch is decided once, the second is a duplicate.
   * One that uses the id of another event is no duplicate: see `facts.differing`.
   * Events of offsets below the stored position were decided already, by whomever: their keys are in
   * `facts.known`, and they are not counted again.
   */
  route(batch: RoutingBatch, decide: (facts: RoutingFacts) => RoutingDecision[]): Promise<RoutingResult>;

  /** Next offset to route, per topic and partition, as of the last routed batch (rule D13). */
  positions(): Promise<RoutedPosition[]>;

  /**
   * Forgets positions and counts of partitions whose records were lost after they were routed: the
   * bus gives their offsets to other records now, which would be taken for decided. What is left of
   * the old records is told by the ledger. One that another router has moved since it was read stays.
   */
  startAnew(positions: readonly RoutedPosition[]): Promise<void>;

  /**
   * Records that hold no event (poison, see rule D12): `offset` is the record's own; the position moves
   * past it, and it is counted as rejected, once. Call it in the order of offsets, between the batches
   * before and after it.
   */
  reject(rejected: readonly UnreadableRecord[]): Promise<void>;

  /** Moves positions over what holds no record for readers, and counts it, once. Call it once all before it is routed. */
  pass(passed: readonly (RoutedPosition & Passed)[]): Promise<void>;
}

/** Offsets right before a place that hold no record for readers, as the bus tells it; without it none. */
export interface Passed {
  passed?: number;
}

export interface RoutingBatch {
  events: IncomingEvent[];
  /** Next offset to route per partition, once this batch is written. */
  positions: RoutedPosition[];
  /** Epoch of the router's index. */
  linkEpoch: number;
  /** News of the platform's own that no link of that epoch wants: while the epoch is current it is only read whether they are known. */
  unwanted?: ReadonlySet<EventKey>;
  /** Called once what the batch started can be claimed, which is before it is durable: a claim of it is durable no earlier. */
  onClaimable?: (() => void) | undefined;
}

/** An event as it came off the bus, valid. */
export interface IncomingEvent extends Passed {
  key: EventKey;
  event: CloudEvent;
  /** The event's JSON, as stored. */
  body: Uint8Array;
  topic: string;
  partition: number;
  offset: number;
  /** When the bus stored it, milliseconds since the epoch. */
  receivedAt: number;
}

export interface RoutedPosition {
  topic: string;
  partition: number;
  offset: number;
}

export interface UnreadableRecord extends RoutedPosition, Passed {
  reason: string;
  receivedAt: number;
}

export interface RoutingFacts {
  /** All links and mappings, when the catalog's epoch is newer than the batch's; undefined when the index is current. */
  newer: LinkSnapshot | undefined;
  /** Keys that the ledger holds already. */
  known: ReadonlySet<EventKey>;
  /**
   * Those of the batch's events whose key names an event that says something else, in the ledger or before them in the
   * batch, with the key that each is decided and kept under instead (rule D10).
   */
  differing: ReadonlyMap<IncomingEvent, EventKey>;
  /** The executions named by `fxexecution`, where they exist. */
  causes: ReadonlyMap<string, EventCause>;
  /** Executions that each root flow of the batch has started so far, with the events that mappings made in it. */
  flowExecutions: ReadonlyMap<string, number>;
  /** Manual runs and fired schedules that the catalog knows, by event key (rule D3). */
  runRequests: ReadonlyMap<EventKey, RunRequestFacts>;
  /** The database's clock. */
  now: number;
}

export interface EventCause {
  sequence: number;
  startedByLifecycle: boolean;
  project: string;
  /** What its flow's budget is counted under; see ExecutionSeed. */
  rootFlow: string;
}

export interface RunRequestFacts {
  executionId: ExecutionId;
  project: string;
  service: string;
}

/**
 * Under which flow the executions that an event starts are counted: that of its cause, before its own
 * (rule D14). A mapped event tells of its flow itself; only on the platform's topic is that believed.
 */
export function rootFlowOf(
  { event, topic }: Pick<IncomingEvent, "event" | "topic">,
  causes: RoutingFacts["causes"],
): string {
  if (topic === topics.platform && typeof event.fxrootflow === "string") return event.fxrootflow;
  const cause = event.fxexecution === undefined ? undefined : causes.get(event.fxexecution);
  return cause?.rootFlow ?? event.correlationid ?? event.id;
}

export type RoutingDecision =
  | {
      outcome: "matched" | "unmatched";
      key: EventKey;
      reason: string | undefined;
      sequence: number;
      verdicts: LinkVerdict[];
      starts: ExecutionSeed[];
      /** Events that mappings made of it: written to the outbox with the decision (rule D1). */
      mapped: MadeEvent[];
      mappingMisses: MappingVerdict[];
      /** What its executions and mapped events are counted under. */
      rootFlow: string;
      /** A run made together with its request (rule D3); shown among the ledger's links. */
      requested: RunRequestFacts | undefined;
    }
  | {
      outcome: "rejected";
      key: EventKey;
      reason: string;
      sequence: number;
      verdicts: LinkVerdict[];
      /** Written to the outbox with the decision; undefined where an event about it would feed a loop. */
      notice: CloudEvent | undefined;
    }
  /** A lifecycle event that no link wants: counted, not stored (rule D15). */
  | { outcome: "counted"; key: EventKey };

/** What an execution is made from. */
export interface ExecutionSeed {
  id: ExecutionId;
  linkId: LinkId;
  project: string;
  service: string;
  version: VersionId;
  priority: number;
  concurrencyKey: string | undefined;
  sequence: number;
  startedByLifecycle: boolean;
  /** The flow that its whole chain began with: a script that names a new `correlationid` does not leave it (rule D14). */
  rootFlow: string;
}

export interface RoutingResult {
  matched: number;
  unmatched: number;
  duplicate: number;
  rejected: number;
  counted: number;
  executions: number;
  /** Executions that ended as skipped because a queue was full. */
  skipped: number;
  /** Events that mappings made; they wait in the outbox. */
  mapped: number;
}
