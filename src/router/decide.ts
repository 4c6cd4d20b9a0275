import { type IncomingEvent, type RoutingDecision, type RoutingFacts, rootFlowOf } from "../catalog/routing.ts";
import type { CloudEvent } from "../events/cloud-event.ts";
import { derivedEventId } from "../events/event-key.ts";
import {
  isLifecycleType,
  isReservedType,
  platformEventTypes,
  reservedAttributes,
  tellsOfOutside,
} from "../events/reserved-types.ts";
import { topics } from "../events/topics.ts";
import type { EventKey, ExecutionId, Ids } from "../foundation/ids.ts";
import { scopedConcurrencyKey } from "../services/concurrency-key.ts";
import type { RoutingIndex } from "../services/routing-index.ts";

export interface RoutingLimits {
  /** Longest chain of events caused by one another (rule D14). */
  hops: number;
  /** Executions that one flow may start, with the events that mappings make in it (rule D14). */
  flowExecutions: number;
  /** How long the ledger remembers an event: of an older one it cannot tell whether it was decided (rule D13). */
  dedupeWindowMs?: number;
}

/**
 * Decides what becomes of each event of a batch that the ledger does not know yet. Pure: everything
 * it depends on is in its arguments; the catalog calls it inside the transaction that writes the answer.
 */
export function decide(
  events: readonly IncomingEvent[],
  facts: RoutingFacts,
  index: RoutingIndex,
  limits: RoutingLimits,
  ids: Ids,
): RoutingDecision[] {
  const decided = new Set<string>(facts.known);
  const started = new Map(facts.flowExecutions);
  const decisions: RoutingDecision[] = [];
  for (const given of events) {
    const differing = facts.differing.get(given);
    const incoming = differing === undefined ? given : { ...given, key: differing };
    if (decided.has(incoming.key)) continue;
    decided.add(incoming.key);
    const other = differing === undefined ? undefined : given.key;
    decisions.push(decideOne(incoming, { facts, index, limits, ids, started, other }));
  }
  return decisions;
}

interface Deciding {
  facts: RoutingFacts;
  index: RoutingIndex;
  limits: RoutingLimits;
  ids: Ids;
  /** Executions and mapped events per root flow, those of this batch included. */
  started: Map<string, number>;
  /** Key of another event that has its id (rule D10). */
  other: EventKey | undefined;
}

function decideOne(incoming: IncomingEvent, deciding: Deciding): RoutingDecision {
  const { event, key, topic } = incoming;
  const { facts, index, limits, ids, started, other } = deciding;
  const fromPlatform = topic === topics.platform;
  const cause = event.fxexecution === undefined ? undefined : facts.causes.get(event.fxexecution);
  const sequence = cause ? cause.sequence + 1 : fromPlatform ? stepOf(event) : 0;

  const flow = rootFlowOf(incoming, facts.causes);
  const reject = (reason: string, cause: readonly string[] = [key]): RoutingDecision => ({
    outcome: "rejected",
    key,
    reason,
    sequence,
    verdicts: [],
    notice: rejectionNotice(incoming, reason, {
      cause,
      flow,
      sequence,
      now: facts.now,
      hops: limits.hops,
    }),
  });

  // Rule D3: the topic says who wrote it, the type must agree.
  if (!fromPlatform && isReservedType(event.type)) {
    return reject(`type "${event.type}" is reserved: only the platform sends events of types under "fx."`);
  }
  if (!fromPlatform && event.fxexecution !== undefined && cause === undefined) {
    return reject(`"fxexecution" names an execution that does not exist: ${event.fxexecution}`);
  }
  const claimed = fromPlatform ? undefined : mappedAttributes.find((attribute) => event[attribute] !== undefined);
  if (claimed !== undefined) return reject(`"${claimed}" is set by the platform only`);
  const requested = facts.runRequests.get(key);
  if (isRunRequest(event) && requested === undefined) {
    return reject("no such run was requested: the catalog does not know it");
  }
  if (other !== undefined) {
    return reject(
      `its id "${event.id}" names another event from ${event.source}, which says something else and stands: an id names one event (fx why ${other})`,
    );
  }
  const lifecycle = isLifecycleType(event.type);
  if (isUnwanted(incoming, index)) return { outcome: "counted", key };
  const { dedupeWindowMs: windowMs = Number.POSITIVE_INFINITY } = limits;
  if (requested === undefined && facts.now - incoming.receivedAt > windowMs) {
    return reject(
      `outside-window: it is older than what the ledger remembers (setting retention.ledgerMs, ${windowMs} ms)`,
    );
  }
  // What tells of a limit must not itself fall to it, or nobody could be told; nor what tells of a run that exists already.
  const exempt = requested !== undefined || (fromPlatform && event.type === platformEventTypes.eventRejected);
  if (sequence > limits.hops && !exempt) {
    return reject(`hop limit: the chain is longer than ${limits.hops} events (setting limits.hops)`);
  }

  if (lifecycle && cause?.startedByLifecycle) {
    const reason = "recorded, not routed: the run it tells of was itself started by an execution event";
    return { outcome: "unmatched", key, reason, sequence, verdicts: [], ...nothing, rootFlow: flow };
  }

  const { matches, misses } = isRetry(event) ? { matches: [], misses: [] } : index.links.match(event);
  // Rule D14: a run that an execution event starts by way of a mapping is started by that event.
  const ofLifecycle = lifecycle || (fromPlatform && event.fxlifecycle === true);
  const from = { key, sequence, rootFlow: flow, lifecycle: ofLifecycle, now: facts.now };
  const { made, misses: unmapped } = isRetry(event) ? { made: [], misses: [] } : index.mappings.map(event, from);
  const starting = matches.length + made.length;
  const before = started.get(flow) ?? 0;
  if (starting > 0 && before + starting > limits.flowExecutions && !exempt) {
    const allowed = `at most ${limits.flowExecutions} are allowed (setting limits.flowExecutions)`;
    // One notice a flow: what it starts cannot start another.
    const spent = `${before} executions and mapped events`;
    return reject(`flow budget: flow ${flow} has started ${spent}, ${allowed}`, ["flow budget", flow]);
  }
  started.set(flow, before + starting);

  const starts = matches.map(({ link, version, concurrencyKey }) => ({
    id: ids.next() as ExecutionId,
    linkId: link.id,
    project: link.project,
    service: link.service,
    version,
    priority: link.target.priority,
    concurrencyKey: scopedConcurrencyKey({ project: link.project, name: link.service }, concurrencyKey),
    sequence,
    startedByLifecycle: ofLifecycle,
    rootFlow: flow,
  }));
  const matched = starting > 0 || requested !== undefined;
  return {
    outcome: matched ? "matched" : "unmatched",
    key,
    reason: matched ? undefined : unmatchedReason(event, misses.length, unmapped.length),
    sequence,
    verdicts: [
      ...matches.map(({ link }) => ({
        linkId: link.id,
        project: link.project,
        service: link.service,
        matched: true,
        reason: undefined,
      })),
      ...misses,
    ],
    starts,
    requested,
    mapped: made,
    mappingMisses: unmapped,
    rootFlow: flow,
  };
}

/** News of the platform's own that nobody listens to: it is counted, and nothing is kept of it. */
export function isUnwanted({ event, topic }: IncomingEvent, index: RoutingIndex): boolean {
  // What is not reserved and comes from the platform was made by a mapping: it counts as its source does.
  const isOwnNews = topic === topics.platform && isReservedType(event.type) && !isRunRequest(event);
  return isOwnNews && !tellsOfOutside(event.type) && !index.wants(event.type);
}

const nothing = { starts: [], requested: undefined, mapped: [], mappingMisses: [] };
/** Only what the platform itself sends may say of its flow (rule D14). `fxexecution` is held against the catalog instead. */
const mappedAttributes = reservedAttributes.filter((attribute) => attribute !== "fxexecution");

function isRunRequest(event: CloudEvent): boolean {
  return (
    event.type === platformEventTypes.runRequested || event.type === platformEventTypes.scheduleFired || isRetry(event)
  );
}

/** Concerns one service only, and is no new step of the flow: a link or a mapping that could hear it would be a loop that no limit ends (rule D14). */
function isRetry(event: CloudEvent): boolean {
  return event.type === platformEventTypes.retryDue;
}

function stepOf(event: CloudEvent): number {
  const step = Number(event.sequence ?? 0);
  return Number.isSafeInteger(step) && step >= 0 ? step : 0;
}

function unmatchedReason(event: CloudEvent, misses: number, unmapped: number): string {
  if (misses === 0 && unmapped > 0) return `no link names the type "${event.type}", and no mapping made anything of it`;
  if (misses === 0) return `no link names the type "${event.type}"`;
  return misses === 1 ? "the one link of this type did not match" : `none of the ${misses} links of this type matched`;
}

interface Rejection {
  /** What the notice's id derives from. */
  cause: readonly string[];
  /** Root flow. */
  flow: string;
  sequence: number;
  now: number;
  hops: number;
}

/**
 * An event about the rejection, so that a linked service can tell people. It cannot feed a loop: none
 * is made about the platform's own news, nor past the first event beyond the hop limit.
 */
function rejectionNotice(
  incoming: IncomingEvent,
  reason: string,
  { cause, flow, sequence, now, hops }: Rejection,
): CloudEvent | undefined {
  const { event, key, topic } = incoming;
  if (topic === topics.platform && isReservedType(event.type) && !isRunRequest(event)) return undefined;
  if (sequence > hops + 1) return undefined;
  return {
    specversion: "1.0",
    id: derivedEventId("rejected", ...cause),
    source: "/router",
    type: platformEventTypes.eventRejected,
    subject: event.type,
    time: new Date(now).toISOString(),
    datacontenttype: "application/json",
    // Not the flow that the event names: a service that answers the notice must not get a new budget (rule D14).
    correlationid: flow,
    causationid: event.id,
    sequence: String(sequence + 1),
    ...(event.fxproject === undefined ? {} : { fxproject: event.fxproject }),
    data: { key, id: event.id, source: event.source, type: event.type, reason },
  };
}
