import { expect, test } from "vitest";
import { differingKeyOf, eventDigestOf, eventKeyOf } from "../../events/event-key.ts";
import { topics } from "../../events/topics.ts";
import type { RoutingFacts } from "../routing.ts";
import { minute, type Scene } from "./scene.contract.ts";

export function routingContract(start: () => Promise<Scene>): void {
  test("D2: routing writes the ledger entry, the body and the executions of an event together", async () => {
    const scene = await start();
    await scene.deploy("hello");
    await scene.deploy("other", { trigger_events: [{ type: "order.placed", filter: "event.data.total > 100" }] });
    const event = scene.event({ data: { total: 5 } });
    expect(await scene.route(event)).toMatchObject({ matched: 1, executions: 1 });

    const entry = await scene.catalog.ledger.get(eventKeyOf(event));
    const [execution] = (await scene.catalog.executions.list({}, { limit: 10 })).items;
    expect(entry).toMatchObject({ event, outcome: "matched", reason: undefined, receivedAt: scene.clock.now() });
    expect(entry?.links).toEqual([
      expect.objectContaining({ service: "hello", matched: true, executionId: execution?.id }),
      expect.objectContaining({ service: "other", matched: false, executionId: undefined }),
    ]);
    expect(execution).toMatchObject({
      project: "default",
      service: "hello",
      version: "hello-1",
      status: "pending",
      trigger: "event",
      eventKey: eventKeyOf(event),
      eventId: event.id,
      eventSource: "/shop",
      eventType: "order.placed",
      correlationId: event.correlationid,
      attempt: 0,
      losses: 0,
      lane: "regular",
    });
    const claimed = await scene.claimOne();
    expect(JSON.parse(Buffer.from(claimed.body).toString())).toEqual(event);
  });

  test("D2: an event delivered again is a duplicate and starts nothing, not even for a link laid since", async () => {
    const scene = await start();
    await scene.deploy("hello");
    const event = scene.event();
    await scene.route(event);
    await scene.deploy("late");
    expect(await scene.route(event)).toEqual({
      matched: 0,
      unmatched: 0,
      duplicate: 1,
      rejected: 0,
      counted: 0,
      executions: 0,
      skipped: 0,
      mapped: 0,
    });
    expect((await scene.catalog.executions.list({}, { limit: 10 })).items).toHaveLength(1);
    expect((await scene.catalog.ledger.list({}, { limit: 10 })).items).toHaveLength(1);
  });

  test("D2: an event that occurs twice in a batch is decided once", async () => {
    const scene = await start();
    await scene.deploy("hello");
    const event = scene.event();
    expect(await scene.route(event, event)).toMatchObject({ matched: 1, duplicate: 1, executions: 1 });
  });

  test("D2: the links are read again in the transaction when, and only when, they changed since the batch's index", async () => {
    const scene = await start();
    await scene.deploy("hello");
    const seen: (number | undefined)[] = [];
    const routeAt = async (linkEpoch: number) => {
      const batch = { ...scene.batch([scene.incoming(scene.event())]), linkEpoch };
      await scene.catalog.routing.route(batch, (facts) => {
        seen.push(facts.newer?.epoch);
        return scene.decide(batch.events, facts);
      });
    };
    const epoch = await scene.catalog.links.epoch();
    await routeAt(-1);
    await routeAt(epoch);
    await scene.deploy("late");
    await routeAt(epoch);
    expect(seen).toEqual([epoch, undefined, await scene.catalog.links.epoch()]);
    expect(await scene.catalog.links.epoch()).toBeGreaterThan(epoch);
  });

  test("D2: when the decision throws nothing was written, and the batch can be routed again", async () => {
    const scene = await start();
    await scene.deploy("hello");
    const event = scene.event();
    const batch = scene.batch([scene.incoming(event)]);
    const failing = scene.catalog.routing.route(batch, () => {
      throw new Error("no decision today");
    });
    await expect(failing).rejects.toThrow("no decision today");
    expect(await scene.catalog.ledger.get(eventKeyOf(event))).toBeUndefined();
    expect(await scene.catalog.routing.positions()).toEqual([]);
    expect(await scene.routeBatch(batch)).toMatchObject({ matched: 1, executions: 1 });
  });

  test("D2: the facts name the causes, the flows, the run requests and the known events of the batch", async () => {
    const scene = await start();
    await scene.deploy("hello");
    const known = scene.event();
    await scene.route(known);
    const cause = (await scene.catalog.executions.list({}, { limit: 1 })).items[0];
    const caused = scene.event({ fxexecution: cause?.id ?? "", correlationid: "another flow" });
    const request = scene.event({ type: "fx.service.run_requested" });
    const requestedId = scene.newExecutionId();
    await scene.catalog.runRequests.request({
      id: requestedId,
      key: eventKeyOf(request),
      event: request,
      trigger: "manual",
      project: "default",
      service: "hello",
      version: "hello-1" as never,
      priority: 5,
      concurrencyKey: undefined,
    });
    const batch = scene.batch([known, caused, request].map((event) => scene.incoming(event)));
    let facts: RoutingFacts | undefined;
    await scene.catalog.routing.route(batch, (read) => {
      facts = read;
      return scene.decide(batch.events, read);
    });
    expect([...(facts?.known ?? [])]).toEqual([eventKeyOf(known)]);
    expect(facts?.causes.get(cause?.id ?? "")).toEqual({
      sequence: 0,
      startedByLifecycle: false,
      project: "default",
      rootFlow: known.correlationid,
    });
    expect(facts?.flowExecutions.get(known.correlationid ?? "")).toBe(1);
    const requested = { executionId: requestedId, project: "default", service: "hello" };
    expect(facts?.runRequests.get(eventKeyOf(request))).toEqual(requested);
    expect(facts?.now).toBe(scene.clock.now());
    const [link] = (await scene.catalog.ledger.get(eventKeyOf(request)))?.links ?? [];
    expect(link).toMatchObject({ ...requested, linkId: undefined, matched: true });
  });

  test("D14: a flow's executions are counted, those of run requests and of retries included", async () => {
    const scene = await start();
    await scene.deploy("hello");
    await scene.deploy("other");
    const flow = { correlationid: "flow-1" };
    await scene.route(scene.event(flow), scene.event(flow));
    const claimed = await scene.claimOne();
    await scene.finish(claimed, { kind: "completed" });
    await scene.catalog.executions.retry(claimed.execution.id, { newId: scene.newExecutionId(), version: "same" });
    const batch = scene.batch([scene.incoming(scene.event(flow))]);
    const counts: (number | undefined)[] = [];
    await scene.catalog.routing.route(batch, (facts) => {
      counts.push(facts.flowExecutions.get("flow-1"));
      return scene.decide(batch.events, facts);
    });
    expect(counts).toEqual([5]);
  });

  test("D10: what is said under the id of another event is rejected under a key of its own, once, and the first stands", async () => {
    const scene = await start();
    await scene.deploy("hello");
    const first = scene.event({ data: { a: 1 } });
    const other = { ...first, type: "order.closed", data: { b: 2 } };
    const third = { ...first, data: { a: 3 } };
    expect(await scene.route(first, other)).toMatchObject({ matched: 1, rejected: 1, duplicate: 0, executions: 1 });
    expect(await scene.route(other, third, first)).toMatchObject({ rejected: 1, duplicate: 2, executions: 0 });
    const key = eventKeyOf(first);
    const { items } = await scene.catalog.ledger.list({ id: first.id }, { limit: 10 });
    expect(items.map(({ key, event, outcome }) => ({ key, event, outcome }))).toEqual([
      { key: differingKeyOf(key, eventDigestOf(third)), event: third, outcome: "rejected" },
      { key: differingKeyOf(key, eventDigestOf(other)), event: other, outcome: "rejected" },
      { key, event: first, outcome: "matched" },
    ]);
  });

  test("D10: what the platform tells twice in other words is a repeat; calls of webhooks are told apart by what they say", async () => {
    const scene = await start();
    const told = { topic: topics.platform };
    const notice = scene.event({ type: "fx.event.rejected", data: { reason: "one" } });
    const call = (body: string, headers: string) =>
      scene.incoming({ ...scene.event({ type: "fx.webhook.incoming", id: "call" }), data: { body, headers } }, told);
    await scene.routeBatch(scene.batch([scene.incoming(notice, told), call("a", "first try")]));
    const again = [
      scene.incoming({ ...notice, data: { reason: "two" } }, told),
      call("a", "second try"),
      call("b", ""),
    ];
    expect(await scene.routeBatch(scene.batch(again))).toMatchObject({ duplicate: 2, rejected: 1 });
  });

  test("D12: a rejected event has its reason in the ledger, and the notice about it in the outbox", async () => {
    const scene = await start();
    const event = scene.event({ type: "poison" });
    const notice = scene.event({ type: "fx.event.rejected" });
    const batch = scene.batch([scene.incoming(event)]);
    const result = await scene.catalog.routing.route(batch, (facts) =>
      scene.decide(batch.events, facts).map((decision) => ({ ...decision, notice }) as typeof decision),
    );
    expect(result).toMatchObject({ rejected: 1, executions: 0 });
    expect(await scene.catalog.ledger.get(eventKeyOf(event))).toMatchObject({
      outcome: "rejected",
      reason: "it is poison",
    });
    expect(await scene.sent()).toEqual([notice]);
  });

  test("D15: events that no link wants are counted, not stored", async () => {
    const scene = await start();
    const event = scene.event({ type: "nobody.cares" });
    expect(await scene.route(event)).toMatchObject({ counted: 1 });
    expect(await scene.catalog.ledger.get(eventKeyOf(event))).toBeUndefined();
    expect(await scene.catalog.ledger.latestSeq()).toBe(0);
  });

  test("D15: every offset is counted once, in one outcome, however often and by whomever it is delivered", async () => {
    const scene = await start();
    await scene.deploy("hello");
    const types = ["order.placed", "unknown", "poison", "nobody.cares", "order.placed"];
    const events = types.map((type, index) => scene.incoming(scene.event({ type }), { offset: 10 + index }));
    events.push({ ...(events[0] as (typeof events)[number]), offset: 15 });
    await scene.routeBatch(scene.batch(events.slice(0, 4)));
    // Another router had begun at the same place and read further.
    await scene.routeBatch(scene.batch(events));
    await scene.routeBatch(scene.batch(events.slice(2)));
    await scene.catalog.routing.reject([
      { topic: topics.events, partition: 0, offset: 12, reason: "redelivered", receivedAt: 0 },
      { topic: topics.events, partition: 0, offset: 16, reason: "not JSON", receivedAt: 0 },
    ]);
    expect(await scene.catalog.ledger.totals()).toEqual([
      {
        topic: topics.events,
        partition: 0,
        fromOffset: 10,
        toOffset: 17,
        matched: 2,
        unmatched: 1,
        duplicate: 1,
        rejected: 2,
        counted: 1,
        passed: 0,
      },
    ]);
  });

  test("D15: offsets that hold no record are counted once, before a record or behind them all", async () => {
    const scene = await start();
    const place = { topic: topics.events, partition: 0 };
    const total = async () => (await scene.catalog.ledger.totals())[0];
    const first = { ...scene.incoming(scene.event(), { partition: 0, offset: 12 }), passed: 2 };
    await scene.routeBatch(scene.batch([first]));
    expect(await total()).toMatchObject({ fromOffset: 10, toOffset: 13, passed: 2 });
    await scene.catalog.routing.pass([{ ...place, offset: 16, passed: 3 }]);
    await scene.catalog.routing.pass([{ ...place, offset: 16, passed: 3 }]);
    await scene.catalog.routing.pass([{ ...place, offset: 15, passed: 2 }]);
    expect(await total()).toMatchObject({ fromOffset: 10, toOffset: 16, passed: 5 });
    // Read by one that began before what the other has passed.
    const behind = { ...scene.incoming(scene.event(), { partition: 0, offset: 18 }), passed: 5 };
    await scene.routeBatch(scene.batch([behind]));
    await scene.catalog.routing.reject([{ ...place, offset: 20, passed: 1, reason: "not JSON", receivedAt: 0 }]);
    expect(await total()).toMatchObject({ fromOffset: 10, toOffset: 21, passed: 8, rejected: 1 });
    expect(await scene.catalog.routing.positions()).toEqual([{ ...place, offset: 21 }]);
  });

  test("D15: an event of an offset already covered is not decided again, even where the ledger keeps no row of it", async () => {
    const scene = await start();
    const incoming = scene.incoming(scene.event({ type: "nobody.cares" }));
    await scene.routeBatch(scene.batch([incoming]));
    const asked: unknown[] = [];
    const result = await scene.catalog.routing.route(scene.batch([incoming]), (facts) => {
      asked.push([...facts.known]);
      return [];
    });
    expect(asked).toEqual([[incoming.key]]);
    expect(result).toEqual({
      matched: 0,
      unmatched: 0,
      duplicate: 0,
      rejected: 0,
      counted: 0,
      executions: 0,
      skipped: 0,
      mapped: 0,
    });
  });

  test("D13: positions are stored with the decisions, per partition, and never move backwards", async () => {
    const scene = await start();
    const first = scene.incoming(scene.event(), { partition: 0, offset: 7 });
    const second = scene.incoming(scene.event(), { topic: topics.platform, partition: 3, offset: 4 });
    await scene.routeBatch(scene.batch([first, second]));
    await scene.routeBatch(scene.batch([scene.incoming(scene.event(), { partition: 0, offset: 5 })]));
    const positions = await scene.catalog.routing.positions();
    expect(positions).toHaveLength(2);
    expect(positions).toContainEqual({ topic: topics.events, partition: 0, offset: 8 });
    expect(positions).toContainEqual({ topic: topics.platform, partition: 3, offset: 5 });
  });

  test("D13: where the bus was put back, its offsets are counted anew, and the ledger still knows the events", async () => {
    const scene = await start();
    await scene.deploy("hello");
    const event = scene.event();
    await scene.routeBatch(scene.batch([scene.incoming(event, { partition: 0, offset: 7 })]));
    await scene.routeBatch(scene.batch([scene.incoming(scene.event(), { partition: 1, offset: 2 })]));
    await scene.catalog.routing.startAnew([{ topic: topics.events, partition: 0, offset: 7 }]);
    // Another router was there first, and has gone on.
    expect(await scene.catalog.routing.positions()).toHaveLength(2);
    await scene.catalog.routing.startAnew([{ topic: topics.events, partition: 0, offset: 8 }]);
    expect(await scene.catalog.routing.positions()).toEqual([{ topic: topics.events, partition: 1, offset: 3 }]);
    const fresh = scene.incoming(scene.event(), { partition: 0, offset: 0 });
    const again = scene.incoming(event, { partition: 0, offset: 1 });
    expect(await scene.routeBatch(scene.batch([fresh, again]))).toMatchObject({ duplicate: 1, executions: 1 });
    const totals = await scene.catalog.ledger.totals();
    expect(totals).toContainEqual(expect.objectContaining({ partition: 0, fromOffset: 0, toOffset: 2, duplicate: 1 }));
  });

  test("D12: a record without an event moves the position and counts as rejected", async () => {
    const scene = await start();
    const place = { topic: topics.events, partition: 1, offset: 3 };
    await scene.catalog.routing.reject([{ ...place, reason: "not JSON", receivedAt: scene.clock.now() }]);
    expect(await scene.catalog.routing.positions()).toEqual([{ ...place, offset: 4 }]);
    expect(await scene.catalog.ledger.totals()).toEqual([
      expect.objectContaining({ fromOffset: 3, toOffset: 4, rejected: 1, matched: 0 }),
    ]);
  });

  test("a batch of many events is routed whole, in its order", async () => {
    const scene = await start();
    await scene.deploy("hello");
    const events = Array.from({ length: 333 }, (_, index) => scene.event({ subject: `order ${index}` }));
    expect(await scene.route(...events)).toMatchObject({ matched: 333, executions: 333 });
    scene.clock.advance(minute);
    const claimed = await scene.claim({ limit: 400 });
    const order = claimed.map(({ body }) => (JSON.parse(Buffer.from(body).toString()) as { subject: string }).subject);
    expect(order).toEqual(events.map(({ subject }) => subject));
  });
}
