import { expect, test } from "vitest";
import { derivedEventId, eventKeyOf } from "../../events/event-key.ts";
import type { MappingContent } from "../../events/mapping.ts";
import { topics } from "../../events/topics.ts";
import type { EventKey, MappingId } from "../../foundation/ids.ts";
import type { Scene } from "./scene.contract.ts";

const content: MappingContent = {
  name: "bills",
  project: undefined,
  fromType: "order.placed",
  toType: "bill.due",
  filter: "event.data.total > 10",
  strategy: "mapped",
  fields: [
    { target: "data.cents", expression: "event.data.total * 100", required: true },
    { target: "data.customer", from: "data.user.id", default: null },
  ],
  active: true,
};

export function mappingContract(start: () => Promise<Scene>): void {
  test("a mapping is unique by project, types and filter; the same again changes it, and each change moves the epoch", async () => {
    const scene = await start();
    const { mappings, links, projects } = scene.catalog;
    await projects.create({ name: "shop", description: "" });
    const epochs = [await links.epoch()];
    const made = await mappings.create(content);
    expect(made).toEqual({
      created: true,
      mapping: { ...content, id: made.mapping.id, origin: "person", createdAt: scene.clock.now() },
    });
    epochs.push(await links.epoch());
    scene.clock.advance(1000);
    const again = await mappings.create({ ...content, name: undefined, strategy: "all", fields: [], active: false });
    expect(again).toEqual({
      created: false,
      mapping: { ...made.mapping, name: undefined, strategy: "all", fields: [], active: false },
    });
    epochs.push(await links.epoch());
    for (const other of [
      { filter: undefined },
      { project: "shop" },
      { toType: "bill.sent" },
      { fromType: "order.*" },
    ]) {
      expect((await mappings.create({ ...content, ...other })).created).toBe(true);
      epochs.push(await links.epoch());
    }
    await mappings.update(made.mapping.id, { active: true });
    epochs.push(await links.epoch());
    await mappings.delete(made.mapping.id);
    epochs.push(await links.epoch());
    expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
    expect((await mappings.list({}, { limit: 10 })).items).toHaveLength(4);
    expect(await mappings.get(made.mapping.id)).toBeUndefined();
  });

  test("mappings are listed by project and types, in pages, and the routers' snapshot holds them all", async () => {
    const { catalog } = await start();
    const { mappings } = catalog;
    await catalog.projects.create({ name: "shop", description: "" });
    const made = [];
    for (const other of [{}, { project: "shop" }, { fromType: "c", toType: "d" }, { fromType: "e", toType: "d" }]) {
      made.push((await mappings.create({ ...content, ...other })).mapping);
    }
    expect((await mappings.list({ project: "shop" }, { limit: 10 })).items).toEqual([made[1]]);
    expect((await mappings.list({ fromType: "order.placed" }, { limit: 10 })).items).toEqual(made.slice(0, 2));
    expect((await mappings.list({ toType: "d" }, { limit: 10 })).items).toEqual(made.slice(2));
    expect((await mappings.list({ fromType: "c", toType: "bill.due" }, { limit: 10 })).items).toEqual([]);
    const first = await mappings.list({}, { limit: 3 });
    const second = await mappings.list({}, { limit: 3, after: first.next });
    expect([...first.items, ...second.items]).toEqual(made);
    expect(second.next).toBeUndefined();
    expect(await catalog.links.snapshot()).toMatchObject({ mappings: made, epoch: await catalog.links.epoch() });
  });

  test("a change keeps what it does not name, and takes away what it names as null", async () => {
    const { catalog } = await start();
    const { mappings } = catalog;
    const { mapping } = await mappings.create(content);
    const changed = await mappings.update(mapping.id, { fields: [{ target: "subject", value: "x" }], toType: "b" });
    expect(changed).toEqual({ ...mapping, fields: [{ target: "subject", value: "x" }], toType: "b" });
    const bare = await mappings.update(mapping.id, { filter: null, name: null, strategy: "all", active: false });
    expect(bare).toEqual({ ...changed, filter: undefined, name: undefined, strategy: "all", active: false });
    expect(await mappings.get(mapping.id)).toEqual(bare);
  });

  test("what would feed itself, make a reserved type, or map what another maps is refused, and nothing has changed", async () => {
    const { catalog } = await start();
    const { mappings } = catalog;
    const { mapping } = await mappings.create(content);
    const other = (await mappings.create({ ...content, filter: undefined })).mapping;
    const epoch = await catalog.links.epoch();
    const invalid = { code: "invalid-input" };
    await expect(mappings.create({ ...content, toType: "order.placed" })).rejects.toMatchObject(invalid);
    await expect(mappings.create({ ...content, toType: "fx.mine" })).rejects.toMatchObject(invalid);
    await expect(mappings.update(mapping.id, { fromType: "bill.*" })).rejects.toMatchObject(invalid);
    await expect(mappings.update(mapping.id, { filter: null })).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining(other.id),
    });
    const missing = { code: "not-found" };
    await expect(mappings.create({ ...content, project: "nowhere" })).rejects.toMatchObject(missing);
    await expect(mappings.update("none" as MappingId, { active: false })).rejects.toMatchObject(missing);
    await expect(mappings.delete("none" as MappingId)).rejects.toMatchObject(missing);
    expect(await catalog.links.epoch()).toBe(epoch);
    expect((await mappings.list({}, { limit: 10 })).items).toEqual([mapping, other]);
  });

  test("a project that has mappings is kept, so that none is deleted by accident", async () => {
    const { catalog } = await start();
    await catalog.projects.create({ name: "shop", description: "" });
    const { mapping } = await catalog.mappings.create({ ...content, project: "shop" });
    await expect(catalog.projects.delete("shop")).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("order.placed to bill.due"),
    });
    await catalog.mappings.delete(mapping.id);
    await catalog.projects.delete("shop");
    expect(await catalog.projects.get("shop")).toBeUndefined();
  });

  test("D1, D2: what a mapping makes is sent with the decision, once, under an id that derives from both", async () => {
    const scene = await start();
    const { mapping } = await scene.catalog.mappings.create(content);
    const [passes, missed] = [scene.event({ data: { total: 20 } }), scene.event({ data: { total: 5 } })];
    expect(await scene.route(passes, missed)).toMatchObject({ matched: 1, unmatched: 1, mapped: 1, executions: 0 });
    const [entry, ...others] = await scene.catalog.outbox.peek(10);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      topic: topics.platform,
      event: {
        id: derivedEventId("mapped", eventKeyOf(passes), mapping.id),
        type: "bill.due",
        sequence: "1",
        data: { cents: 2000, customer: null },
        fxrootflow: passes.correlationid,
      },
    });
    const verdict = { mappingId: mapping.id, name: "bills", toType: "bill.due" };
    const eventKey = eventKeyOf(entry?.event as { id: string; source: string });
    expect((await scene.catalog.ledger.get(eventKeyOf(passes)))?.mappings).toEqual([
      { ...verdict, matched: true, reason: undefined, eventKey },
    ]);
    expect((await scene.catalog.ledger.get(eventKeyOf(missed)))?.mappings).toEqual([
      { ...verdict, matched: false, reason: expect.stringContaining("filter is false"), eventKey: undefined },
    ]);
    await scene.sent();
    expect(await scene.route(passes)).toMatchObject({ duplicate: 1, mapped: 0 });
    expect(await scene.sent()).toEqual([]);
  });

  test("D14: the budget of a flow knows the events that mappings made in it, beside its executions", async () => {
    const scene = await start();
    await scene.deploy();
    await scene.catalog.mappings.create({ ...content, filter: undefined, strategy: "all", fields: [] });
    const flow = { correlationid: "flow" };
    await scene.route(scene.event(flow), scene.event(flow));
    const events = [scene.incoming(scene.event(flow)), scene.incoming(scene.event())];
    let started: ReadonlyMap<string, number> = new Map();
    await scene.catalog.routing.route(scene.batch(events), (facts) => {
      started = facts.flowExecutions;
      return scene.decide(events, facts);
    });
    expect(started).toEqual(new Map([["flow", 4]]));
  });

  test("the ledger tells the types below a prefix, in their order, as many as are asked for", async () => {
    const scene = await start();
    const types = ["order", "order.paid", "order.placed", "order.placed.late", "orderly.x", "bill.due"];
    await scene.route(...types.flatMap((type) => [scene.event({ type }), scene.event({ type })]));
    const { ledger } = scene.catalog;
    expect(await ledger.typesBelow("order.", 10)).toEqual(["order.paid", "order.placed", "order.placed.late"]);
    expect(await ledger.typesBelow("order.", 2)).toEqual(["order.paid", "order.placed"]);
    expect(await ledger.typesBelow("none.", 10)).toEqual([]);
    expect((await ledger.list({ type: "order.paid" }, { limit: 10 })).items).toHaveLength(2);
    expect(await ledger.get("none" as EventKey)).toBeUndefined();
  });
}
