import { describe, expect, test } from "vitest";
import type { IncomingEvent, RoutingDecision, RoutingFacts } from "../../../src/catalog/routing.ts";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import { eventKeyOf } from "../../../src/events/event-key.ts";
import { topics } from "../../../src/events/topics.ts";
import type { EventKey, ExecutionId, LinkId, VersionId } from "../../../src/foundation/ids.ts";
import { decide } from "../../../src/router/decide.ts";
import { RoutingIndex } from "../../../src/services/routing-index.ts";

const limits = { hops: 3, flowExecutions: 2 };
const noFacts: RoutingFacts = {
  newer: undefined,
  known: new Set(),
  differing: new Map(),
  causes: new Map(),
  flowExecutions: new Map(),
  runRequests: new Map(),
  now: 0,
};

function incoming(event: Partial<CloudEvent>, topic: string = topics.events): IncomingEvent {
  const whole: CloudEvent = {
    specversion: "1.0",
    id: "1",
    source: "/t",
    type: "order.placed",
    correlationid: "flow",
    ...event,
  };
  const key = eventKeyOf(whole);
  return {
    key,
    event: whole,
    body: Buffer.from(JSON.stringify(whole)),
    topic,
    partition: 0,
    offset: 0,
    receivedAt: 0,
  };
}

function indexOf(...eventTypes: string[]): RoutingIndex {
  return new RoutingIndex({
    epoch: 1,
    mappings: [],
    links: eventTypes.map((eventType, at) => ({
      id: `link-${at}` as LinkId,
      project: "shop",
      service: `service-${at}`,
      version: "active",
      eventType,
      filter: undefined,
      active: true,
      origin: "person",
      createdAt: 0,
      target: { active: true, version: "v" as VersionId, priority: 5, concurrencyKey: undefined },
    })),
  });
}

function decideAll(events: IncomingEvent[], index: RoutingIndex, facts: Partial<RoutingFacts> = {}): RoutingDecision[] {
  let made = 0;
  const ids = { next: () => `execution-${made++}` };
  return decide(events, { ...noFacts, ...facts }, index, limits, ids);
}

function decideOne(event: IncomingEvent, index: RoutingIndex, facts: Partial<RoutingFacts> = {}): RoutingDecision {
  const [decision] = decideAll([event], index, facts);
  if (decision === undefined) throw new Error("no decision");
  return decision;
}

const cause = (sequence: number, startedByLifecycle = false) =>
  new Map([["cause", { sequence, startedByLifecycle, project: "shop", rootFlow: "flow" }]]);

describe("routing decides", () => {
  test("D13: an event older than the ledger's memory is rejected, one that the ledger knows is not looked at again", () => {
    const window = { ...limits, dedupeWindowMs: 1000 };
    const decideAt = (now: number, known: EventKey[] = []) =>
      decide([incoming({})], { ...noFacts, now, known: new Set(known) }, indexOf("order.placed"), window, {
        next: () => "execution",
      });
    expect(decideAt(1000)).toMatchObject([{ outcome: "matched" }]);
    expect(decideAt(1001)).toMatchObject([{ outcome: "rejected", reason: expect.stringMatching(/^outside-window: /) }]);
    expect(decideAt(1001, [incoming({}).key])).toEqual([]);
  });

  test("D10: an event under the id of another is rejected under a key of its own, with the other's in the reason", () => {
    const event = incoming({ id: "k-9" });
    const key = "another key" as EventKey;
    const facts = { known: new Set([event.key]), differing: new Map([[event, key]]) };
    expect(decideAll([event], indexOf("order.placed"), facts)).toMatchObject([
      {
        outcome: "rejected",
        key,
        reason: `its id "k-9" names another event from /t, which says something else and stands: an id names one event (fx why ${event.key})`,
        notice: { type: "fx.event.rejected", data: { key, id: "k-9" } },
      },
    ]);
    facts.known.add(key);
    expect(decideAll([event], indexOf("order.placed"), facts)).toEqual([]);
  });

  test("D2: an event that the ledger knows is not decided again, nor is its second copy in a batch", () => {
    const event = incoming({});
    expect(decideAll([event], indexOf("order.placed"), { known: new Set([event.key]) })).toEqual([]);
    expect(decideAll([event, event], indexOf("order.placed"))).toHaveLength(1);
  });

  test("an event without a link is unmatched, and the reason names its type", () => {
    expect(decideOne(incoming({}), indexOf("order.paid"))).toMatchObject({
      outcome: "unmatched",
      reason: 'no link names the type "order.placed"',
    });
  });

  test.each([["fx.service.run_requested"], ["FX.service.run_requested"], ["Fx"]])(
    "D3: the reserved type %s from outside is rejected, with a notice",
    (type) => {
      const decision = decideOne(incoming({ type, subject: "shop/price" }), indexOf("fx.*", "FX.*", "Fx"));
      expect(decision).toMatchObject({ outcome: "rejected", reason: expect.stringContaining("reserved") });
      expect(decision).toHaveProperty("notice.type", "fx.event.rejected");
    },
  );

  test("D3: a run request that the catalog does not know is rejected even on the platform's topic", () => {
    const event = incoming({ type: "fx.service.run_requested" }, topics.platform);
    expect(decideOne(event, indexOf()).outcome).toBe("rejected");
    const runRequests = new Map([[event.key, { executionId: "e" as ExecutionId, project: "shop", service: "price" }]]);
    expect(decideOne(event, indexOf(), { runRequests }).outcome).toBe("matched");
  });

  test("D2: what tells of a run that exists is matched, past the hop limit and the budget too", () => {
    const event = incoming({ type: "fx.retry.due", sequence: "9" }, topics.platform);
    const runRequests = new Map([[event.key, { executionId: "e" as ExecutionId, project: "shop", service: "price" }]]);
    const flowExecutions = new Map([["flow", 1000]]);
    expect(decideOne(event, indexOf(), { runRequests, flowExecutions })).toMatchObject({
      outcome: "matched",
      requested: { executionId: "e" },
      starts: [],
    });
  });

  test("D14: nothing hears that a run comes again, which is no new step of the flow", () => {
    const event = incoming({ type: "fx.retry.due" }, topics.platform);
    const runRequests = new Map([[event.key, { executionId: "e" as ExecutionId, project: "shop", service: "price" }]]);
    expect(decideOne(event, indexOf("fx.*", "fx.retry.due"), { runRequests })).toMatchObject({ starts: [] });
  });

  test("D3: an outsider cannot claim to be the child of an execution that does not exist", () => {
    expect(decideOne(incoming({ fxexecution: "forged" }), indexOf("order.placed")).outcome).toBe("rejected");
  });

  test("D14: hops come from the trigger, whatever the event itself says", () => {
    const decision = decideOne(incoming({ fxexecution: "cause", sequence: "0" }), indexOf("order.placed"), {
      causes: cause(2),
    });
    expect(decision).toMatchObject({ outcome: "matched", sequence: 3, starts: [{ sequence: 3 }] });
  });

  test("D14: a chain past the hop limit is rejected, and told of", () => {
    const decision = decideOne(incoming({ fxexecution: "cause" }), indexOf("order.placed"), { causes: cause(3) });
    expect(decision).toMatchObject({ outcome: "rejected", reason: expect.stringContaining("hop limit") });
  });

  test("D14: a flow past its budget of executions is rejected, counting the batch's own", () => {
    const events = ["1", "2", "3"].map((id) => incoming({ id }));
    expect(decideAll(events, indexOf("order.placed")).map(({ outcome }) => outcome)).toEqual([
      "matched",
      "matched",
      "rejected",
    ]);
    const flowExecutions = new Map([["flow", 2]]);
    expect(decideOne(incoming({}), indexOf("order.placed"), { flowExecutions }).outcome).toBe("rejected");
  });

  test("D14: a chain stays under the budget of the flow it began with, whatever correlation its events name", () => {
    const event = incoming({ fxexecution: "cause", correlationid: "another" });
    const facts = { causes: cause(1), flowExecutions: new Map([["flow", 2]]) };
    expect(decideOne(event, indexOf("order.placed"), facts)).toMatchObject({
      outcome: "rejected",
      reason: expect.stringContaining("flow budget: flow flow"),
      notice: { correlationid: "flow" },
    });
    expect(decideOne(event, indexOf("order.placed"), { causes: cause(1) })).toMatchObject({
      starts: [{ rootFlow: "flow" }],
    });
  });

  test("D14: execution events of runs that an execution event started are recorded, not routed", () => {
    const event = incoming({ type: "fx.execution.completed", fxexecution: "cause" }, topics.platform);
    const index = indexOf("fx.execution.*");
    expect(decideOne(event, index, { causes: cause(1, false) })).toMatchObject({
      outcome: "matched",
      starts: [{ startedByLifecycle: true }],
    });
    expect(decideOne(event, index, { causes: cause(1, true) })).toMatchObject({
      outcome: "unmatched",
      reason: expect.stringContaining("not routed"),
    });
  });

  test("D15: platform events that no link wants are counted, not stored", () => {
    const event = incoming({ type: "fx.execution.completed", fxexecution: "cause" }, topics.platform);
    expect(decideOne(event, indexOf("order.placed"), { causes: cause(1) })).toEqual({
      outcome: "counted",
      key: event.key,
    });
  });

  test("D14: the notice of a rejection is routed past the limits, and what it starts cannot make another", () => {
    const notice = incoming({ type: "fx.event.rejected", sequence: "5" }, topics.platform);
    expect(decideOne(notice, indexOf("fx.event.rejected"), { flowExecutions: new Map([["flow", 9]]) }).outcome).toBe(
      "matched",
    );
    const beyond = incoming({ fxexecution: "cause" });
    expect(decideOne(beyond, indexOf("order.placed"), { causes: cause(3) })).toHaveProperty(
      "notice.type",
      "fx.event.rejected",
    );
    expect(decideOne(beyond, indexOf("order.placed"), { causes: cause(5) })).toMatchObject({
      outcome: "rejected",
      notice: undefined,
    });
  });

  test("D14: a flow past its budget is told of once, however many of its events are rejected", () => {
    const facts = { flowExecutions: new Map([["flow", 2]]) };
    const [first, second] = decideAll([incoming({ id: "1" }), incoming({ id: "2" })], indexOf("order.placed"), facts);
    expect(first).toHaveProperty("notice.id");
    expect(second).toHaveProperty("notice.id", (first as { notice: CloudEvent }).notice.id);
  });

  test("D1: the notice's id derives from the event, so that a repeat collapses", () => {
    const event = incoming({ type: "fx.forged" });
    expect(decideOne(event, indexOf())).toEqual(decideOne(event, indexOf()));
    expect((event.key as EventKey).length).toBe(43);
  });
});
