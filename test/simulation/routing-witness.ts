import type { LinkSnapshot } from "../../src/catalog/links.ts";
import type { IncomingEvent, RoutingDecision, RoutingFacts, RoutingStore } from "../../src/catalog/routing.ts";
import type { CloudEvent } from "../../src/events/cloud-event.ts";
import { isLifecycleType, isReservedType, platformEventTypes } from "../../src/events/reserved-types.ts";
import { topics } from "../../src/events/topics.ts";
import { PlatformError } from "../../src/foundation/errors.ts";
import type { RoutingLimits } from "../../src/router/decide.ts";
import type { RoutableLink } from "../../src/services/link.ts";
import type { History } from "./history.ts";
import { MappingWitness } from "./mapping-witness.ts";
import { referenceMappings, referenceMatches } from "./reference-matching.ts";

export interface RoutingWitnessParts {
  history: History;
  limits: RoutingLimits;
  /** Retention of seconds takes runs that have just ended, and the counts of flows that are quiet for a moment. */
  forgets: boolean;
  created(executionId: string, concurrencyKey: string | undefined): void;
}

/** Ids of events that the catalog cannot store as decided, only as rejected (rule D12). */
export const poisonPrefix = "poison-";
/** The one that it cannot store at all. */
export const worstPoison = "poison-0";

interface Facts {
  epoch: number;
  known: ReadonlySet<string>;
  /** Keys of the run requests that the catalog knows. */
  requested: ReadonlyMap<string, unknown>;
}

/** Watches routing from the catalog's side and holds every decision against a plain reading of the rules. */
export class RoutingWitness {
  readonly #parts: RoutingWitnessParts;
  /** What mappings made. */
  readonly mappings: MappingWitness;
  /** Links and mappings as of each epoch that was seen. */
  readonly #snapshots = new Map<number, LinkSnapshot>();
  /** The greatest epoch known to be committed. */
  #epoch = -1;
  readonly decided = new Map<string, RoutingDecision>();
  readonly counted = new Set<string>();
  /** Executions whose trigger was an execution event. */
  readonly #ofLifecycle = new Set<string>();
  /** By execution. */
  readonly #rootFlows = new Map<string, string>();
  readonly #flowStarts = new Map<string, number>();

  constructor(parts: RoutingWitnessParts) {
    this.#parts = parts;
    this.mappings = new MappingWitness(parts.history);
  }

  linksAre(snapshot: LinkSnapshot): void {
    this.#snapshots.set(snapshot.epoch, snapshot);
    this.#epoch = Math.max(this.#epoch, snapshot.epoch);
  }

  /** An execution that routing did not start: a person asked for it, or for another run of `original`. */
  startedByHand(executionId: string, facts: { flow: string; original?: string }): void {
    const { flow, original } = facts;
    this.#rootFlows.set(executionId, this.#rootFlows.get(original ?? "") ?? flow);
    // A lifecycle run that is run again stays one.
    if (original !== undefined && this.#ofLifecycle.has(original)) this.#ofLifecycle.add(executionId);
  }

  /** The flow that an event counts for: that of what it was made of, or of its cause, whatever flow a script has named. */
  #rootOf({ event, key }: IncomingEvent): string {
    const made = this.mappings.made.get(key);
    return made?.rootFlow ?? this.#rootFlows.get(event.fxexecution ?? "") ?? event.correlationid ?? event.id;
  }

  tap(store: RoutingStore): RoutingStore {
    return {
      positions: () => store.positions(),
      startAnew: (positions) => store.startAnew(positions),
      reject: (rejected) => store.reject(rejected),
      pass: (passed) => store.pass(passed),
      route: async (batch, decide) => {
        const leastEpoch = this.#epoch;
        let decisions: RoutingDecision[] = [];
        let epoch = batch.linkEpoch;
        let known: ReadonlySet<string> = new Set();
        let differing: RoutingFacts["differing"] = new Map();
        let requested: ReadonlyMap<string, unknown> = new Map();
        const result = await store.route(batch, (facts) => {
          if (facts.newer) {
            epoch = facts.newer.epoch;
            this.#snapshots.set(epoch, facts.newer);
            if (leastEpoch >= 0) this.#parts.history.reach("links changed inside routing");
          }
          known = facts.known;
          differing = facts.differing;
          requested = facts.runRequests;
          decisions = decide(facts);
          this.#refusePoison(batch.events, decisions);
          return decisions;
        });
        if (epoch < leastEpoch) {
          this.#parts.history.violate(
            "D2",
            `a batch was decided against links of epoch ${epoch}, after epoch ${leastEpoch}`,
          );
        }
        const events = batch.events.map((event) => ({ ...event, key: differing.get(event) ?? event.key }));
        for (const [{ key, event }, other] of differing) {
          const { outcome } = decisions.find((decision) => decision.key === other) ?? {};
          if (outcome !== "rejected" && !known.has(other))
            this.#parts.history.violate("D10", `${event.id} (${key}) has the id of another event`);
          else this.#parts.history.reach("an id came twice with different data");
        }
        this.#check(events, decisions, { epoch, known, requested });
        return result;
      },
    };
  }

  /** Rule D12: some events cannot be stored as decided, one of them not at all. */
  #refusePoison(events: readonly IncomingEvent[], decisions: readonly RoutingDecision[]): void {
    for (const { event, key } of events) {
      const decision = decisions.find((one) => one.key === key);
      if (decision === undefined || !event.id.startsWith(poisonPrefix)) continue;
      if (decision.outcome === "rejected" && event.id !== worstPoison) continue;
      if (events.length === 1) this.#parts.history.reach("a batch was bisected down to one poisonous event");
      throw new PlatformError("invalid-input", "the simulation's catalog cannot store this event");
    }
  }

  #check(
    events: readonly IncomingEvent[],
    decisions: readonly RoutingDecision[],
    { epoch, known, requested }: Facts,
  ): void {
    const { history } = this.#parts;
    const incoming = new Map<string, IncomingEvent>();
    for (const event of events) {
      if (incoming.has(event.key) || known.has(event.key)) history.reach("an event was decided again as a duplicate");
      else incoming.set(event.key, event);
    }
    const byKey = new Map(decisions.map((decision) => [decision.key as string, decision]));
    for (const [key, event] of incoming) {
      const decision = byKey.get(key);
      if (decision === undefined) {
        history.violate("D2", `event ${event.event.id} was not decided`);
        continue;
      }
      if (this.decided.has(key)) history.violate("D2", `event ${event.event.id} was decided twice`);
      if (decision.outcome === "counted") this.counted.add(key);
      else this.decided.set(key, decision);
      if (isRunRequest(event.event.type) && decision.outcome !== "rejected" && !requested.has(key)) {
        history.violate("D3", `run request ${event.event.id} was forged, and is ${decision.outcome}`);
      }
      this.#checkOne(event, decision, this.#snapshots.get(epoch));
    }
  }

  #checkOne(incoming: IncomingEvent, decision: RoutingDecision, snapshot: LinkSnapshot | undefined): void {
    const { history, limits } = this.#parts;
    const { event, topic, key } = incoming;
    const where = `event ${event.type} ${event.id}`;
    this.mappings.routed(where, incoming, decision);
    if (decision.outcome === "counted") {
      if (referenceMappings(event, snapshot?.mappings ?? []).length > 0) {
        history.violate("D2", `${where} was only counted, and a mapping takes it`);
      }
      if (topic !== topics.platform) history.violate("D15", `${where} came from outside and was only counted`);
      history.reach("a lifecycle event was counted, not stored");
      return;
    }
    if (topic !== topics.platform && isReservedType(event.type)) {
      history.reach("a reserved type was rejected");
      if (decision.outcome !== "rejected")
        history.violate("D3", `${where} has a reserved type and was ${decision.outcome}`);
    }
    if (decision.outcome === "rejected") {
      this.#checkRejection(where, event, decision.reason);
      return;
    }
    // What tells of a limit does not itself fall to it.
    const limited = event.type !== platformEventTypes.eventRejected && decision.requested === undefined;
    if (limited && decision.sequence > limits.hops)
      history.violate("D14", `${where} is step ${decision.sequence} of its flow`);
    if (isLifecycleType(event.type) && this.#ofLifecycle.has(event.fxexecution ?? "")) {
      history.reach("a lifecycle event of a lifecycle run was recorded, not routed");
      if (decision.starts.length + decision.mapped.length === 0) return;
      // Pruned within seconds, a run can no longer tell what it was: its events are as any others.
      if (!this.#parts.forgets) history.violate("D14", `${where} tells of a lifecycle run and started another`);
    }
    if (snapshot !== undefined) this.#checkMatches(where, event, decision, snapshot.links);
    const { flow, ofLifecycle } = this.#follow(where, incoming, decision, snapshot);
    const starting = decision.starts.length + decision.mapped.length;
    const started = (this.#flowStarts.get(flow) ?? 0) + starting;
    this.#flowStarts.set(flow, started);
    if (limited && starting > 0 && started > limits.flowExecutions && !this.#parts.forgets) {
      history.violate("D14", `flow ${flow} has started ${started} executions and mapped events`);
    }
    for (const { id, concurrencyKey, startedByLifecycle } of decision.starts) {
      this.#parts.created(id, concurrencyKey);
      this.#rootFlows.set(id, flow);
      if (ofLifecycle) this.#ofLifecycle.add(id);
      if (startedByLifecycle !== ofLifecycle) history.violate("D14", `${where}: wrong mark on ${id}`);
      if (ofLifecycle && this.mappings.made.has(key)) {
        history.reach("an execution event was mapped, and what it started was a lifecycle run");
      }
    }
  }

  /** What the event's runs and mapped events inherit. */
  #follow(
    where: string,
    incoming: IncomingEvent,
    decision: Extract<RoutingDecision, { outcome: "matched" | "unmatched" }>,
    snapshot: LinkSnapshot | undefined,
  ): { flow: string; ofLifecycle: boolean } {
    const flow = this.#rootOf(incoming);
    const made = this.mappings.made.get(incoming.key);
    const ofLifecycle = isLifecycleType(incoming.event.type) || made?.ofLifecycle === true;
    const mappings = snapshot?.mappings;
    if (mappings) this.mappings.decided(where, incoming, decision, { mappings, rootFlow: flow, ofLifecycle });
    return { flow, ofLifecycle };
  }

  #checkRejection(where: string, event: CloudEvent, reason: string): void {
    const { history } = this.#parts;
    if (reason.startsWith("hop limit")) history.reach("a hop limit was reached");
    if (reason.startsWith("flow budget")) history.reach("a flow budget was reached");
    if (event.type === platformEventTypes.runRequested) history.reach("a forged run request was rejected");
    if (reason === "") history.violate("D12", `${where} was rejected without a reason`);
  }

  #checkMatches(
    where: string,
    event: CloudEvent,
    decision: Extract<RoutingDecision, { outcome: "matched" | "unmatched" }>,
    links: readonly RoutableLink[],
  ): void {
    const { history } = this.#parts;
    const expected = new Map(referenceMatches(event, links).map((link) => [link.id as string, link]));
    const hidden = links.some(({ project }) => event.fxproject !== undefined && project !== event.fxproject);
    if (hidden) history.reach("another project's link did not see an event");
    if (decision.verdicts.some(({ reason }) => reason?.includes("could not be evaluated"))) {
      history.reach("a filter could not be evaluated");
    }
    for (const { linkId, version, project } of decision.starts) {
      const link = expected.get(linkId);
      if (link === undefined) {
        const rule = event.fxproject !== undefined && event.fxproject !== project ? "D19" : "D2";
        history.violate(rule, `${where} started a run of link ${linkId}, which does not match`);
      } else if (link.target.version !== version)
        history.violate("D2", `${where} started another version than its link names`);
    }
    const started = new Set<string>(decision.starts.map(({ linkId }) => linkId));
    if (started.size !== decision.starts.length) history.violate("D2", `${where} started two runs of one link`);
    for (const id of expected.keys()) {
      if (!started.has(id)) history.violate("D2", `${where} did not start a run of link ${id}, which matches`);
    }
    const begun = decision.starts.length + decision.mapped.length > 0;
    const outcome = begun || decision.requested !== undefined ? "matched" : "unmatched";
    if (decision.outcome !== outcome) history.violate("D2", `${where} was ${decision.outcome}, not ${outcome}`);
    if (outcome === "unmatched" && !decision.reason) history.violate("D2", `${where} is unmatched without a reason`);
  }
}

function isRunRequest(type: string): boolean {
  return (
    type === platformEventTypes.runRequested ||
    type === platformEventTypes.scheduleFired ||
    type === platformEventTypes.retryDue
  );
}
