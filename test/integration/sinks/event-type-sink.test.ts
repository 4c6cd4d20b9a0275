import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import type { EventTypeStore } from "../../../src/catalog/event-types.ts";
import { openSqliteCatalog } from "../../../src/catalog/sqlite.ts";
import { encodeRecord } from "../../../src/events/bus-binding.ts";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import { topics } from "../../../src/events/topics.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import type { Json } from "../../../src/foundation/json.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { EventTypeSink } from "../../../src/sinks/event-type-sink.ts";
import { eventually } from "../../support/eventually.ts";

async function scene() {
  const database = new DatabaseSync(":memory:");
  const ids = createIds(systemClock, systemRandom);
  const bus = openSqliteBus({ clock: systemClock, log: silentLog, partitions: 2 });
  const catalog = await openSqliteCatalog({ database, clock: systemClock, ids, log: silentLog });
  const { eventTypes, outbox } = catalog;
  const start = async (store = eventTypes) => {
    const started = new EventTypeSink({ bus, eventTypes: store, clock: systemClock, log: silentLog, flushMs: 20 });
    await started.start();
    return started;
  };
  let sink = await start();
  /** Stops the sink, and goes on with another that has this store. */
  const restart = async (store: EventTypeStore = eventTypes) => {
    await sink.stop();
    sink = await start(store);
  };
  onTestFinished(async () => {
    await sink.stop();
    await bus.close();
    database.close();
  });
  let total = 0;
  /** Publishes events and waits until they are learned. */
  async function see(data: readonly Json[], type = "order.placed", attributes: Partial<CloudEvent> = {}) {
    await publish(data, type, attributes);
    total += data.length;
    await eventually(async () => (await count()) === total);
  }
  async function publish(data: readonly Json[], type: string, attributes: Partial<CloudEvent>) {
    const events = data.map((one): CloudEvent => {
      return { specversion: "1.0", id: ids.next(), source: "/shop", type, data: one, ...attributes };
    });
    await bus.publish(events.map((event) => encodeRecord(topics.events, event)));
  }
  const count = async () =>
    (await eventTypes.list({}, { limit: 100 })).items.reduce((sum, { count }) => sum + count, 0);
  const drifts = async () => (await outbox.peek(100)).map(({ event }) => event);
  return { eventTypes, see, publish, drifts, restart, database, bus };
}

const orders = (count: number, more: (n: number) => { [name: string]: Json } = () => ({})) =>
  Array.from({ length: count }, (_, n) => ({ id: n, state: n % 2 ? "new" : "paid", ...more(n) }));

test("a type is there with its schema and who sent it as soon as it was first seen", async () => {
  const { eventTypes, see } = await scene();
  await see(orders(1), "order.placed", { fxproject: "shop" });
  expect(await eventTypes.get("order.placed")).toMatchObject({
    count: 1,
    version: 1,
    settled: false,
    dataRequired: true,
    schema: { properties: { id: { type: "integer" }, state: { type: "string" } }, required: ["id", "state"] },
    producers: [{ source: "/shop", project: "shop", count: 1 }],
  });
});

test("D1: drift is one version and one event for each change, however many events have it", async () => {
  const { eventTypes, see, drifts } = await scene();
  await see(orders(200));
  expect(await eventTypes.get("order.placed")).toMatchObject({ settled: true, version: 1 });
  await see(orders(50, () => ({ id: "text" })));
  await see(orders(50, () => ({ id: "text" })));
  await see(orders(1, () => ({ state: "gone" })));
  const [first, second, ...others] = await drifts();
  expect(others).toEqual([]);
  expect(first).toMatchObject({
    type: "fx.event_type.drifted",
    subject: "order.placed",
    data: {
      fromVersion: 1,
      toVersion: 2,
      changes: [{ path: "data.id", what: "type", before: ["integer"], after: ["integer", "string"] }],
    },
  });
  expect(second?.data).toMatchObject({
    toVersion: 3,
    changes: [{ path: "data.state", what: "enum", before: ["new", "paid"], after: ["gone", "new", "paid"] }],
  });
  expect((await eventTypes.versions("order.placed")).map(({ n }) => n)).toEqual([3, 2, 1]);
  expect((await eventTypes.version("order.placed", 1))?.schema).toMatchObject({
    properties: { id: { type: "integer" } },
  });
});

test("a field that comes later is one drift, settles while others learn it, and then its changes are drift again", async () => {
  const { eventTypes, see, drifts } = await scene();
  await see(orders(200));
  await see(orders(1, () => ({ to: { city: "Graz", since: "2026-01-31" } })));
  await see(orders(1, () => ({ to: { city: null, since: "long ago", more: 1 } })));
  await see(orders(1, () => ({ to: null })));
  await see(orders(1, () => ({ to: "the shop" })));
  expect((await drifts()).map(({ data }) => data)).toMatchObject([
    { changes: [{ path: "data.to", what: "field" }], changeCount: 1 },
  ]);
  expect(await eventTypes.get("order.placed")).toMatchObject({
    version: 2,
    schema: { properties: { to: { type: ["object", "string", "null"], required: ["city", "since"] } } },
  });
  await see(orders(20, () => ({ to: "the shop" })));
  await see(orders(5, () => ({ to: true })));
  expect((await drifts()).slice(1).map(({ data }) => data)).toMatchObject([
    { toVersion: 3, changes: [{ path: "data.to", what: "type" }] },
  ]);
});

test("the platform's own types are learned, and their changes make no event", async () => {
  const { eventTypes, see, drifts } = await scene();
  await see(orders(30), "fx.event_type.drifted");
  await see([{ other: true }], "fx.event_type.drifted");
  expect(await eventTypes.get("fx.event_type.drifted")).toMatchObject({ version: 2 });
  expect(await drifts()).toEqual([]);
});

test("a type that a person forgot is learned anew, and nothing of the old is left", async () => {
  const { eventTypes, see, publish } = await scene();
  await see(orders(30));
  await eventTypes.forget("order.placed");
  await expect(eventTypes.forget("order.placed")).rejects.toMatchObject({ code: "not-found" });
  const found = await eventually(async () => {
    await publish([{ other: true }], "order.placed", {});
    return eventTypes.get("order.placed");
  });
  expect(found).toMatchObject({ version: 1, settled: false, schema: { required: ["other"] } });
  expect(JSON.stringify(found.schema)).not.toContain("state");
});

test("a stop does not wait for a catalog that is down, and what was not written is learned at the next start", async () => {
  const { eventTypes, publish, restart } = await scene();
  let failures = 0;
  await restart({
    ...eventTypes,
    learn: async () => {
      failures += 1;
      throw new PlatformError("unavailable", "the disk is full", { retryable: true });
    },
  });
  await publish(orders(10), "order.placed", {});
  await eventually(() => failures > 0);
  await restart();
  expect(await eventually(() => eventTypes.get("order.placed"))).toMatchObject({ count: 10, version: 1 });
});

test("D12: a type of which nothing can be stored is left out; others are learned, and no event is set aside for it", async () => {
  const { eventTypes, publish, restart, database, bus } = await scene();
  await publish([1], "bad", {});
  await eventually(() => eventTypes.get("bad"));
  database.exec("update event_types set shape = 'nonsense' where type = 'bad'");
  await restart();
  await publish([2], "bad", {});
  for (const type of ["good.a", "good.b"]) await publish(orders(3), type, {});
  await publish([3], "bad", {});
  for (const type of ["good.a", "good.b"]) {
    expect(await eventually(() => eventTypes.get(type))).toMatchObject({ count: 3 });
  }
  await publish(orders(1), "good.a", {});
  await eventually(async () => (await eventTypes.get("good.a"))?.count === 4);
  database.exec("update event_types set shape = 'nonsense'");
  await publish(orders(1), "good.c", {});
  expect(await eventually(() => eventTypes.get("good.c"))).toMatchObject({ count: 1 });
  expect(await bus.offsets(topics.deadLetter)).toEqual([]);
});
