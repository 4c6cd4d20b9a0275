import type { IncomingEvent, RoutingDecision } from "../../src/catalog/routing.ts";
import type { CloudEvent } from "../../src/events/cloud-event.ts";
import { derivedEventId, eventKeyOf } from "../../src/events/event-key.ts";
import type { Mapping } from "../../src/events/mapping.ts";
import { topics } from "../../src/events/topics.ts";
import { canonicalJson } from "../../src/foundation/json.ts";
import type { History } from "./history.ts";
import { referenceData, referenceMappings } from "./reference-matching.ts";

/** What an event that a mapping made must be when it is routed itself. */
export interface Made {
  type: string;
  /** One step after what it was made of. */
  sequence: number;
  rootFlow: string;
  /** At the beginning of its mappings was an execution event. */
  ofLifecycle: boolean;
}

/** Holds what mappings make against a plain reading of the rules. */
export class MappingWitness {
  readonly #history: History;
  /** By the key of what was made. */
  readonly made = new Map<string, Made>();

  constructor(history: History) {
    this.#history = history;
  }

  /** `from`: what the decided event hands on. */
  decided(
    where: string,
    { event, key }: IncomingEvent,
    decision: Extract<RoutingDecision, { outcome: "matched" | "unmatched" }>,
    { mappings, ...from }: Pick<Made, "rootFlow" | "ofLifecycle"> & { mappings: readonly Mapping[] },
  ): void {
    const history = this.#history;
    const expected = new Map(referenceMappings(event, mappings).map((mapping) => [mapping.id as string, mapping]));
    const hidden = mappings.some(({ project }) => (project ?? event.fxproject) !== (event.fxproject ?? project));
    if (hidden) history.reach("another project's mapping did not see an event");
    if (decision.mappingMisses.some(({ reason }) => reason?.includes("is missing, and required"))) {
      history.reach("a mapping made nothing, since a field was missing");
    }
    const seen = new Set<string>();
    for (const { mapping, event: made } of decision.mapped) {
      const what = `${where} was made ${made.type} by mapping ${mapping.id}`;
      history.reach("a mapping made an event");
      if (seen.has(mapping.id)) history.violate("D2", `${what} twice`);
      seen.add(mapping.id);
      if (!expected.has(mapping.id)) {
        const foreign = event.fxproject !== undefined && event.fxproject !== (mapping.project ?? event.fxproject);
        history.violate(foreign ? "D19" : "D2", `${what}, which does not match`);
      }
      const { id, source } = made;
      if (id !== derivedEventId("mapped", key, mapping.id)) {
        history.violate("D1", `${what} under an id that derives from something else`);
      }
      this.#checkContent(what, event, mapping, made);
      const sequence = decision.sequence + 1;
      this.made.set(eventKeyOf({ id, source }), { type: mapping.toType, sequence, ...from });
    }
    for (const id of expected.keys()) {
      if (!seen.has(id)) history.violate("D2", `${where} was not mapped by ${id}, which matches`);
    }
  }

  /** An event comes to be routed that is, or claims to be, a mapping's. */
  routed(where: string, { event, key, topic }: IncomingEvent, decision: RoutingDecision): void {
    const history = this.#history;
    const made = this.made.get(key);
    if (made === undefined) {
      if (event.fxmapping === undefined) return;
      if (topic === topics.platform) history.violate("D1", `${where} claims a mapping that did not make it`);
      else if (decision.outcome !== "rejected") history.violate("D3", `${where} forges a mapping's event`);
      else history.reach("a forged mapped event was rejected");
      return;
    }
    if (decision.outcome === "counted") {
      history.violate("D15", `${where} was mapped and only counted`);
      return;
    }
    if (decision.sequence !== made.sequence) {
      history.violate("D14", `${where} is step ${decision.sequence}, its mapping was step ${made.sequence}`);
    }
    if (decision.outcome !== "rejected") return;
    if (decision.reason.startsWith("hop limit")) history.reach("a mapped event was stopped by the hop limit");
    if (decision.reason.startsWith("flow budget")) history.reach("a mapped event was stopped by its flow's budget");
  }

  #checkContent(what: string, event: CloudEvent, mapping: Mapping, made: CloudEvent): void {
    const history = this.#history;
    if (made.type !== mapping.toType) history.violate("D2", `${what}, which makes ${mapping.toType}`);
    if (made.fxproject !== (event.fxproject ?? mapping.project)) {
      history.violate("D19", `${what} in project ${made.fxproject}`);
    }
    const data = referenceData(event, mapping);
    if (canonicalJson(made.data ?? null) !== canonicalJson(data ?? null)) {
      history.violate("mapping", `${what} with ${canonicalJson(made.data)}, not ${canonicalJson(data)}`);
    }
  }
}
