import { expect, test } from "vitest";
import { observe } from "../../events/schema/observe.ts";
import { settledSamples } from "../../events/schema/settled.ts";
import { emptyTypeShape } from "../../events/schema/shape.ts";
import type { Json, JsonObject } from "../../foundation/json.ts";
import { maxProducers, maxVersions, type TypeObservation } from "../event-types.ts";
import type { Scene } from "./scene.contract.ts";

const type = "order.placed";

/** What a sink would have seen of events with these data; undefined: an event without. */
function seen(data: readonly (Json | undefined)[], changes: Partial<TypeObservation> = {}): TypeObservation {
  const shape = emptyTypeShape();
  for (const one of data) observe(shape, one);
  const producers = [{ source: "/shop", project: undefined, count: data.length, lastSeen: 2 }];
  return { type, count: data.length, firstSeen: 1, lastSeen: 2, producers, shape, known: false, ...changes };
}

const orders = (count: number, more: JsonObject = {}) => Array.from({ length: count }, (_, id) => ({ id, ...more }));
const settled = () => seen(orders(settledSamples));

export function eventTypeContract(start: () => Promise<Scene>): void {
  test("what was seen is there with its schema; more of it adds up, whoever saw it", async () => {
    const { eventTypes } = (await start()).catalog;
    expect(await eventTypes.learn([seen(orders(3))])).toMatchObject([{ type, outcome: "learned" }]);
    // Another sink, which has not heard of the type, and one that has and looked at nothing.
    await eventTypes.learn([seen([{ id: null }, undefined], { lastSeen: 9 })]);
    await eventTypes.learn([seen([], { count: 5, lastSeen: 7, known: true, shape: undefined, producers: [] })]);
    expect(await eventTypes.get(type)).toEqual({
      type,
      firstSeen: 1,
      lastSeen: 9,
      count: 10,
      version: 1,
      settled: false,
      dataRequired: false,
      schema: expect.objectContaining({ properties: { id: expect.objectContaining({ type: ["integer", "null"] }) } }),
      producers: [{ source: "/shop", project: undefined, count: 5, lastSeen: 2 }],
    });
    const shapes = await eventTypes.shapes([type, "other"]);
    expect([...shapes].map(([name, { samples }]) => [name, samples])).toEqual([[type, 5]]);
    expect(await eventTypes.shapes([])).toEqual(new Map());
    expect(await eventTypes.get("other")).toBeUndefined();
  });

  test("an observation can be given again, as after a transaction that failed: it is not used up", async () => {
    const { eventTypes } = (await start()).catalog;
    await eventTypes.learn([settled()]);
    const observation = seen([{ id: 1, more: { deep: 1 } }]);
    const before = structuredClone(observation);
    await eventTypes.learn([observation]);
    expect(observation).toEqual(before);
  });

  test("D1: drift is a version and an event of one transaction, once for each change", async () => {
    const scene = await start();
    const { eventTypes } = scene.catalog;
    await eventTypes.learn([settled()]);
    const changed = seen([{ id: "text" }], { known: true });
    const outcomes = [await eventTypes.learn([changed]), await eventTypes.learn([changed])];
    expect(outcomes.flat().map(({ outcome }) => outcome)).toEqual(["drifted", "learned"]);
    const changes = [{ path: "data.id", what: "type", before: ["integer"], after: ["integer", "string"] }];
    expect(await scene.sent()).toMatchObject([
      {
        type: "fx.event_type.drifted",
        source: "/event-types",
        subject: type,
        data: { type, fromVersion: 1, toVersion: 2, changes, changeCount: 1 },
      },
    ]);
    expect(await eventTypes.versions(type)).toMatchObject([
      { n: 2, changes, createdAt: scene.clock.now() },
      { n: 1, changes: [] },
    ]);
    expect((await eventTypes.version(type, 1))?.schema).toMatchObject({ properties: { id: { type: "integer" } } });
    expect(await eventTypes.version(type, 3)).toBeUndefined();
  });

  test("before a type has settled its schema grows in its place, and nothing is told", async () => {
    const scene = await start();
    const { eventTypes } = scene.catalog;
    await eventTypes.learn([seen(orders(settledSamples - 1))]);
    await eventTypes.learn([seen([{ id: "text", more: 1 }], { known: true })]);
    expect(await eventTypes.versions(type)).toMatchObject([{ n: 1, changes: [] }]);
    expect(await scene.sent()).toEqual([]);
  });

  test("the platform's own types get versions, and no event about them", async () => {
    const scene = await start();
    const own = { type: "fx.file.uploaded" };
    await scene.catalog.eventTypes.learn([{ ...settled(), ...own }]);
    await scene.catalog.eventTypes.learn([seen([{ id: "text" }], own)]);
    expect(await scene.catalog.eventTypes.get(own.type)).toMatchObject({ version: 2 });
    expect(await scene.sent()).toEqual([]);
  });

  test("D13: of versions and producers the latest are kept, so many", async () => {
    const { eventTypes } = (await start()).catalog;
    await eventTypes.learn([settled()]);
    for (let n = 0; n < maxVersions + 5; n += 1) {
      const producers = [{ source: `/s${n}`, project: "shop", count: 1, lastSeen: 10 + n }];
      await eventTypes.learn([seen([{ id: 1, [`f${n}`]: 1 }], { producers })]);
    }
    const versions = await eventTypes.versions(type);
    expect([versions.length, versions[0]?.n, versions.at(-1)?.n]).toEqual([maxVersions, maxVersions + 6, 7]);
    expect(await eventTypes.version(type, 6)).toBeUndefined();
    const sources = (await eventTypes.get(type))?.producers.map(({ source }) => source);
    expect([sources?.length, sources?.[0], sources?.includes("/shop")]).toEqual([
      maxProducers,
      `/s${maxVersions + 4}`,
      false,
    ]);
  });

  test("what a person forgot is gone; who still knew it adds nothing, and who sees it first begins anew", async () => {
    const scene = await start();
    const { eventTypes } = scene.catalog;
    await eventTypes.learn([settled()]);
    await eventTypes.learn([seen([{ id: "text" }])]);
    await eventTypes.forget(type);
    await expect(eventTypes.forget(type)).rejects.toMatchObject({ code: "not-found" });
    expect([await eventTypes.get(type), await eventTypes.versions(type)]).toEqual([undefined, []]);
    expect(await eventTypes.learn([seen([{ id: 1 }], { known: true })])).toMatchObject([{ outcome: "forgotten" }]);
    expect(await eventTypes.get(type)).toBeUndefined();
    await eventTypes.learn([{ ...settled(), firstSeen: 5 }]);
    await eventTypes.learn([seen([{ id: "text" }])]);
    const drifts = await scene.sent();
    // The same version of the same type, and yet another event than before it was forgotten.
    expect([drifts.length, new Set(drifts.map(({ id }) => id)).size]).toEqual([2, 2]);
  });

  test("types are listed by name, page by page, by their beginning or by a part in upper or lower case", async () => {
    const { eventTypes } = (await start()).catalog;
    const types = ["Order.odd", "aXb", "a_b", "order", "order.paid", "order.placed", "orderly", "\u{1f4e6}.sent"];
    await eventTypes.learn(types.map((name) => seen([{}], { type: name })));
    const listed = async (filter: Parameters<typeof eventTypes.list>[0]) => {
      const found: string[] = [];
      for (let after: string | undefined, more = true; more; ) {
        const { items, next } = await eventTypes.list(filter, { limit: 2, after });
        found.push(...items.map((item) => item.type));
        [after, more] = [next, next !== undefined];
      }
      return found;
    };
    expect(await listed({})).toEqual(types);
    expect(await listed({ prefix: "order." })).toEqual(["order.paid", "order.placed"]);
    expect(await listed({ prefix: "\u{1f4e6}" })).toEqual(["\u{1f4e6}.sent"]);
    expect(await listed({ contains: "RDER.P" })).toEqual(["order.paid", "order.placed"]);
    expect(await listed({ contains: "_" })).toEqual(["a_b"]);
    expect(await listed({ contains: "%" })).toEqual([]);
    expect(await listed({ prefix: "order", contains: "ly" })).toEqual(["orderly"]);
    await expect(eventTypes.list({}, { limit: 1, after: "nonsense" })).rejects.toMatchObject({ code: "invalid-input" });
  });
}
