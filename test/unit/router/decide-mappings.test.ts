import { describe, expect, test } from "vitest";
import type { IncomingEvent, RoutingDecision, RoutingFacts } from "../../../src/catalog/routing.ts";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import { eventKeyOf } from "../../../src/events/event-key.ts";
import type { Mapping } from "../../../src/events/mapping.ts";
import { topics } from "../../../src/events/topics.ts";
import type { LinkId, MappingId, VersionId } from "../../../src/foundation/ids.ts";
import { decide } from "../../../src/router/decide.ts";
import { RoutingIndex } from "../../../src/services/routing-index.ts";

function incoming(event: Partial<CloudEvent>, topic: string = topics.events): IncomingEvent {
  const whole = { specversion: "1.0", id: "1", source: "/t", type: "a", correlationid: "flow", ...event } as CloudEvent;
  const body = Buffer.from(JSON.stringify(whole));
  const place = { topic, partition: 0, offset: 0, receivedAt: 0 };
  return { key: eventKeyOf(whole), event: whole, body, ...place };
}

function mapping(fromType: string, toType: string, more: Partial<Mapping> = {}): Mapping {
  const content = { name: undefined, project: undefined, filter: undefined, strategy: "all", fields: [] } as const;
  const id = `${fromType}->${toType}` as MappingId;
  return { ...content, id, fromType, toType, active: true, origin: "person", createdAt: 0, ...more };
}

function indexOf(mappings: Mapping[], linked: string[] = []): RoutingIndex {
  const links = linked.map((eventType) => ({
    id: `link-${eventType}` as LinkId,
    project: "shop",
    service: "serve",
    version: "active" as const,
    eventType,
    filter: undefined,
    active: true,
    origin: "person" as const,
    createdAt: 0,
    target: { active: true, version: "v" as VersionId, priority: 5, concurrencyKey: undefined },
  }));
  return new RoutingIndex({ epoch: 1, links, mappings });
}

const noFacts: RoutingFacts = {
  newer: undefined,
  known: new Set(),
  differing: new Map(),
  causes: new Map(),
  flowExecutions: new Map(),
  runRequests: new Map(),
  now: 0,
};

function decideOne(event: IncomingEvent, index: RoutingIndex, facts: Partial<RoutingFacts> = {}): RoutingDecision {
  const limits = { hops: 5, flowExecutions: 50 };
  const [decision] = decide([event], { ...noFacts, ...facts }, index, limits, { next: () => "execution" });
  if (decision === undefined) throw new Error("no decision");
  return decision;
}

/** Routes an event and all that mappings make of it, as the router would by way of the outbox. */
function routeAll(
  first: IncomingEvent,
  index: RoutingIndex,
  limits: { hops: number; flowExecutions: number },
): RoutingDecision[] {
  const decisions: RoutingDecision[] = [];
  const queue = [first];
  const known = new Set<IncomingEvent["key"]>();
  let spent = 0;
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const facts = { ...noFacts, known, flowExecutions: new Map([["flow", spent]]) };
    for (const decision of decide([next], facts, index, limits, { next: () => "execution" })) {
      decisions.push(decision);
      if (decision.outcome !== "matched") continue;
      spent += decision.mapped.length + decision.starts.length;
      queue.push(...decision.mapped.map(({ event }) => incoming(event, topics.platform)));
    }
    known.add(next.key);
  }
  return decisions;
}

describe("mappings in routing", () => {
  test("D1: a mapping makes an event whose id derives from both, so that a redelivery makes the same one", () => {
    const index = indexOf([mapping("a", "b", { project: "shop" })]);
    const event = incoming({ data: { n: 1 }, subject: "s" });
    const first = decideOne(event, index);
    expect(first).toMatchObject({
      outcome: "matched",
      mapped: [
        {
          event: {
            type: "b",
            source: "/mappings/a->b",
            data: { n: 1 },
            subject: "s",
            correlationid: "flow",
            causationid: "1",
            sequence: "1",
            fxproject: "shop",
            fxmapping: "a->b",
            fxmappedfrom: event.key,
            fxrootflow: "flow",
          },
        },
      ],
    });
    expect(decideOne(event, index)).toEqual(first);
  });

  test("D14: what a mapping made of a script's event is one hop further than that, whoever sent it", () => {
    const causes = new Map([["cause", { sequence: 2, startedByLifecycle: false, project: "shop", rootFlow: "root" }]]);
    const index = indexOf([mapping("a", "b")]);
    const decision = decideOne(incoming({ fxexecution: "cause" }), index, { causes });
    expect(decision).toMatchObject({ sequence: 3, mapped: [{ event: { sequence: "4", fxrootflow: "root" } }] });
    const made = (decision as Extract<RoutingDecision, { mapped: unknown }>).mapped[0]?.event as CloudEvent;
    expect(made.fxexecution).toBeUndefined();
    expect(decideOne(incoming(made, topics.platform), indexOf([], ["b"]))).toMatchObject({
      sequence: 4,
      starts: [{ sequence: 4, rootFlow: "root" }],
    });
  });

  test("D14: two mappings that feed each other end at the hop limit, and it is told of", () => {
    const index = indexOf([mapping("a", "b"), mapping("b", "a")]);
    const decisions = routeAll(incoming({}), index, { hops: 10, flowExecutions: 1000 });
    expect(decisions).toHaveLength(12);
    expect(decisions.at(-1)).toMatchObject({
      outcome: "rejected",
      reason: expect.stringMatching(/^hop limit/),
      notice: { type: "fx.event.rejected" },
    });
  });

  test("D14: mappings that double the events at every hop end at the budget of the flow", () => {
    const types = ["a", "b", "c"];
    const all = types.flatMap((from) => types.filter((to) => to !== from).map((to) => mapping(from, to)));
    const decisions = routeAll(incoming({}), indexOf(all), { hops: 100, flowExecutions: 50 });
    const made = decisions.flatMap((decision) => (decision.outcome === "matched" ? decision.mapped : []));
    expect(made).toHaveLength(50);
    expect(decisions.some(({ outcome }) => outcome === "rejected")).toBe(true);
  });

  test("D14: a run that an execution event starts by way of a mapping is started by that event", () => {
    const causes = new Map([["cause", { sequence: 0, startedByLifecycle: false, project: "shop", rootFlow: "flow" }]]);
    const index = indexOf([mapping("fx.execution.failed", "b")], ["b"]);
    const event = incoming({ type: "fx.execution.failed", fxexecution: "cause" }, topics.platform);
    const decision = decideOne(event, index, { causes }) as Extract<RoutingDecision, { mapped: unknown }>;
    const made = decision.mapped[0]?.event as CloudEvent;
    expect(decideOne(incoming(made, topics.platform), index)).toMatchObject({ starts: [{ startedByLifecycle: true }] });
    causes.set("cause", { sequence: 0, startedByLifecycle: true, project: "shop", rootFlow: "flow" });
    expect(decideOne(event, index, { causes })).toMatchObject({ outcome: "unmatched", mapped: [] });
  });

  test("D3: an outsider cannot say that its event was mapped, nor which flow it counts for", () => {
    for (const attribute of [{ fxrootflow: "x" }, { fxmapping: "x" }, { fxmappedfrom: "x" }, { fxlifecycle: true }]) {
      expect(decideOne(incoming(attribute), indexOf([], ["a"]))).toMatchObject({
        outcome: "rejected",
        reason: expect.stringContaining("set by the platform only"),
      });
    }
  });

  test("D15: a mapped event that nobody wants has a ledger row as any other", () => {
    const event = incoming({ type: "b", fxmapping: "m", sequence: "1" }, topics.platform);
    expect(decideOne(event, indexOf([]))).toMatchObject({ outcome: "unmatched" });
  });

  test("D19: a project's mapping does not see another project's event, not even as a near miss", () => {
    const index = indexOf([mapping("a", "b", { project: "shop" })]);
    expect(decideOne(incoming({ fxproject: "other" }), index)).toMatchObject({ mapped: [], mappingMisses: [] });
    const shared = decideOne(incoming({ fxproject: "other" }), indexOf([mapping("a", "b")]));
    expect(shared).toMatchObject({ mapped: [{ event: { fxproject: "other" } }] });
  });

  test("D12: a mapping that fails is a near miss with its reason; the event and its links go on", () => {
    const failing = mapping("a", "b", { fields: [{ target: "data.n", expression: "event.data.missing.deep" }] });
    const big = mapping("a", "c", {
      fields: [
        { target: "data.x", from: "data.big" },
        { target: "data.y", from: "data.big" },
      ],
    });
    const decision = decideOne(incoming({ data: { big: "x".repeat(2_500_000) } }), indexOf([failing, big], ["a"]));
    expect(decision).toMatchObject({
      outcome: "matched",
      starts: [{ service: "serve" }],
      mapped: [],
      mappingMisses: [
        { toType: "b", matched: false, reason: expect.stringContaining("could not be evaluated") },
        { toType: "c", matched: false, reason: expect.stringContaining("larger than an event may be") },
      ],
    });
  });
});
