import { expect, test } from "vitest";
import type { LinkId, VersionId } from "../../foundation/ids.ts";
import { minute, type Scene } from "./scene.contract.ts";

export function serviceContract(start: () => Promise<Scene>): void {
  test("the project default is there from the first start, and cannot be deleted", async () => {
    const { catalog } = await start();
    expect((await catalog.projects.list({ limit: 10 })).items.map(({ name }) => name)).toEqual(["default"]);
    await expect(catalog.projects.delete("default")).rejects.toMatchObject({ code: "forbidden" });
  });

  test("projects are made once, listed by name in pages, and deleted when they are empty", async () => {
    const scene = await start();
    const { projects, services } = scene.catalog;
    const shop = await projects.create({ name: "shop", description: "sells" });
    expect(shop).toEqual({ name: "shop", description: "sells", createdAt: scene.clock.now() });
    expect(await projects.get("shop")).toEqual(shop);
    await expect(projects.create({ name: "shop", description: "" })).rejects.toMatchObject({ code: "conflict" });
    const first = await projects.list({ limit: 1 });
    const second = await projects.list({ limit: 1, after: first.next });
    expect([first, second].flatMap(({ items }) => items.map(({ name }) => name))).toEqual(["default", "shop"]);
    expect(second.next).toBeUndefined();
    await scene.deploy("till", {}, { project: "shop" });
    await expect(projects.delete("shop")).rejects.toMatchObject({ code: "conflict" });
    await services.delete("shop", "till");
    const door = await scene.catalog.webhooks.create({ name: "door", project: "shop", tokenHash: "hash" });
    await expect(projects.delete("shop")).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("webhooks, door among"),
    });
    await scene.catalog.webhooks.delete(door.id);
    await projects.delete("shop");
    expect(await projects.get("shop")).toBeUndefined();
    await expect(projects.delete("shop")).rejects.toMatchObject({ code: "not-found" });
  });

  test("a deploy makes project, service, version and links, moves the link epoch, and says so in an event", async () => {
    const scene = await start();
    const epoch = await scene.catalog.links.epoch();
    const { version, created } = await scene.deploy("hello", { priority: 2 }, { project: "new" });
    expect(created).toBe(true);
    expect(version).toMatchObject({ id: "hello-1", project: "new", name: "hello", createdAt: scene.clock.now() });
    expect(await scene.catalog.projects.get("new")).toBeDefined();
    expect(await scene.catalog.services.get("new", "hello")).toEqual({
      project: "new",
      name: "hello",
      activeVersion: "hello-1",
      active: true,
      priority: 2,
      pinned: { priority: false, active: false },
      grants: [],
      createdAt: scene.clock.now(),
      updatedAt: scene.clock.now(),
    });
    expect(await scene.catalog.services.version("hello-1" as VersionId)).toEqual(version);
    const { links, epoch: moved } = await scene.catalog.links.snapshot();
    expect(moved).toBeGreaterThan(epoch);
    expect(links).toEqual([
      expect.objectContaining({
        project: "new",
        service: "hello",
        version: "active",
        eventType: "order.placed",
        filter: undefined,
        active: true,
        origin: "manifest",
        target: { active: true, version: "hello-1", priority: 2, concurrencyKey: undefined },
      }),
    ]);
    expect(await scene.sent()).toEqual([
      expect.objectContaining({
        type: "fx.service.deployed",
        source: "/projects/new/services/hello",
        subject: "new/hello",
        fxproject: "new",
        data: { project: "new", service: "hello", version: "hello-1" },
      }),
    ]);
  });

  test("D1: deploying the active content again changes nothing; deploying an older one makes it active again, with an event of its own", async () => {
    const scene = await start();
    await scene.deploy("hello", { trigger_events: ["a"] }, { id: "v1" });
    await scene.deploy("hello", { trigger_events: ["b"] }, { id: "v2" });
    await scene.deploy("hello", { trigger_events: ["a"] }, { id: "v1" });
    const sent = await scene.sent();
    expect(new Set(sent.map(({ id }) => id)).size).toBe(3);
    const epoch = await scene.catalog.links.epoch();
    scene.clock.advance(minute);
    const { version, created, former } = await scene.deploy("hello", { trigger_events: ["a"] }, { id: "v1" });
    expect([created, former]).toEqual([false, "v1"]);
    expect(version.createdAt).toBe(scene.clock.now() - minute);
    expect(await scene.catalog.links.epoch()).toBe(epoch);
    expect(await scene.sent()).toEqual([]);
    expect((await scene.catalog.links.snapshot()).links.map(({ eventType }) => eventType)).toEqual(["a"]);
    const { items } = await scene.catalog.services.versions("default", "hello", { limit: 10 });
    expect(items.map(({ id }) => id).sort()).toEqual(["v1", "v2"]);
  });

  test("a person's priority and active flag survive deploys; others follow the manifest", async () => {
    const scene = await start();
    await scene.deploy("hello", { priority: 7 }, { id: "v1" });
    await scene.catalog.services.update("default", "hello", { priority: 1 });
    await scene.deploy("hello", { priority: 9, active: false }, { id: "v2" });
    expect(await scene.catalog.services.get("default", "hello")).toMatchObject({
      priority: 1,
      active: false,
      pinned: { priority: true, active: false },
    });
    await scene.catalog.services.update("default", "hello", { active: true });
    await scene.deploy("hello", { active: false }, { id: "v3" });
    expect(await scene.catalog.services.get("default", "hello")).toMatchObject({ active: true, priority: 1 });
  });

  test("rolling back makes an older version active, with its manifest's links", async () => {
    const scene = await start();
    await scene.deploy("hello", { trigger_events: ["a"] }, { id: "v1" });
    await scene.deploy("hello", { trigger_events: ["b"] }, { id: "v2" });
    const epoch = await scene.catalog.links.epoch();
    const updated = await scene.catalog.services.update("default", "hello", { activeVersion: "v1" as VersionId });
    expect(updated.activeVersion).toBe("v1");
    const snapshot = await scene.catalog.links.snapshot();
    expect(snapshot.epoch).toBeGreaterThan(epoch);
    expect(snapshot.links.map(({ eventType, target }) => [eventType, target.version])).toEqual([["a", "v1"]]);
    const missing = scene.catalog.services.update("default", "hello", { activeVersion: "v9" as VersionId });
    await expect(missing).rejects.toMatchObject({ code: "not-found" });
    await expect(scene.catalog.services.update("default", "nobody", {})).rejects.toMatchObject({ code: "not-found" });
  });

  test("deleting a service cancels what waits, stops what runs, and keeps the history", async () => {
    const scene = await start();
    await scene.deploy();
    const running = await scene.start();
    const claimed = await scene.claimOne();
    const waiting = await scene.start();
    await scene.sent();
    const counts = { versions: 1, links: 1, jobs: 0, pending: 1, running: 1 };
    expect(await scene.catalog.services.delete("default", "hello")).toEqual(counts);
    const reason = "its service was deleted";
    expect(await scene.catalog.executions.get(waiting.id)).toMatchObject({ status: "cancelled", reason });
    expect(await scene.catalog.executions.get(running.id)).toMatchObject({
      status: "in_progress",
      cancelRequested: true,
    });
    expect((await scene.sent()).map(({ type, subject, data }) => [type, subject, data])).toEqual([
      ["fx.execution.cancelled", waiting.id, expect.objectContaining({ reason })],
    ]);
    await scene.finish(claimed, { kind: "cancelled" });
    expect(await scene.catalog.executions.get(running.id)).toMatchObject({ status: "cancelled", reason });
    expect(await scene.sent()).toMatchObject([{ type: "fx.execution.cancelled", data: { reason } }]);
    expect(await scene.catalog.services.get("default", "hello")).toBeUndefined();
    expect(await scene.catalog.services.version("hello-1" as VersionId)).toBeUndefined();
    expect((await scene.catalog.links.snapshot()).links).toEqual([]);
    expect(await scene.catalog.services.referencedFiles()).toEqual(new Set());
    await expect(scene.catalog.services.delete("default", "hello")).rejects.toMatchObject({ code: "not-found" });
  });

  test("a service whose executions have not ended is not deleted where that was not asked for", async () => {
    const scene = await start();
    await scene.deploy();
    await scene.start();
    const claimed = await scene.claimOne();
    const waiting = await scene.start();
    const remove = () => scene.catalog.services.delete("default", "hello", { onlyEnded: true });
    await expect(remove()).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("2 of its executions have not ended (1 running, 1 waiting)"),
    });
    expect(await scene.status(waiting.id)).toBe("pending");
    await scene.catalog.executions.cancel(waiting.id);
    await expect(remove()).rejects.toMatchObject({ message: expect.stringContaining("1 of its executions has not") });
    await scene.finish(claimed, { kind: "completed" });
    expect(await remove()).toMatchObject({ versions: 1, pending: 0, running: 0 });
    expect(await scene.catalog.executions.get(waiting.id)).toMatchObject({ status: "cancelled", reason: undefined });
  });

  test("services are listed by project and name, in pages; the files of all versions are known", async () => {
    const scene = await start();
    for (const name of ["b", "a"]) await scene.deploy(name);
    await scene.deploy("c", {}, { project: "another" });
    const first = await scene.catalog.services.list({}, { limit: 2 });
    const second = await scene.catalog.services.list({}, { limit: 2, after: first.next });
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(["c", "a", "b"]);
    const mine = await scene.catalog.services.list({ project: "default" }, { limit: 10 });
    expect(mine.items.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(await scene.catalog.services.referencedFiles()).toEqual(new Set(["hash-a-1", "hash-b-1", "hash-c-1"]));
  });
}

export function linkContract(start: () => Promise<Scene>): void {
  const link = { project: "default", service: "hello", version: "active" as const, active: true };
  const types = async ({ catalog }: Scene) =>
    (await catalog.links.list({}, { limit: 10 })).items.map(({ eventType, origin }) => `${origin} ${eventType}`).sort();

  test("D17: links are unique by content; making one again answers the one there is", async () => {
    const scene = await start();
    await scene.deploy("hello", { trigger_events: ["a"] });
    const epoch = await scene.catalog.links.epoch();
    const made = await scene.catalog.links.create({ ...link, eventType: "b", filter: "event.data.x" });
    expect(made).toMatchObject({ created: true, link: { origin: "person", filter: "event.data.x" } });
    expect(await scene.catalog.links.epoch()).toBeGreaterThan(epoch);
    const again = await scene.catalog.links.create({ ...link, eventType: "b", filter: "event.data.x" });
    expect(again).toEqual({ link: made.link, created: false });
    const other = await scene.catalog.links.create({ ...link, eventType: "b", filter: undefined });
    expect(other.created).toBe(true);
    const adopted = await scene.catalog.links.create({ ...link, eventType: "a", filter: undefined });
    expect(adopted).toMatchObject({ created: false, link: { origin: "person" } });
    expect(await scene.catalog.links.get(made.link.id)).toEqual(made.link);
  });

  test("D17: a redeploy keeps a person's links, drops what the manifest no longer names, and revives nothing removed", async () => {
    const scene = await start();
    await scene.deploy("hello", { trigger_events: ["kept", "dropped", "removed", "adopted"] }, { id: "v1" });
    await scene.catalog.links.create({ ...link, eventType: "mine", filter: undefined });
    await scene.catalog.links.create({ ...link, eventType: "adopted", filter: undefined });
    const { items } = await scene.catalog.links.list({ eventType: "removed" }, { limit: 10 });
    await scene.catalog.links.delete(items[0]?.id as LinkId);
    await scene.deploy("hello", { trigger_events: ["kept", "removed", "new"] }, { id: "v2" });
    expect(await types(scene)).toEqual(["manifest kept", "manifest new", "person adopted", "person mine"]);
    const revived = await scene.catalog.links.create({ ...link, eventType: "removed", filter: undefined });
    expect(revived).toMatchObject({ created: false, link: { origin: "person", id: items[0]?.id } });
    await scene.deploy("hello", { trigger_events: ["dropped"] }, { id: "v3" });
    expect(await types(scene)).toEqual(["manifest dropped", "person adopted", "person mine", "person removed"]);
  });

  test("D17: a link that a person changed is the person's, and the deploy does not lay its former content again", async () => {
    const scene = await start();
    await scene.deploy("hello", { trigger_events: ["a"] }, { id: "v1" });
    const [laid] = (await scene.catalog.links.list({}, { limit: 10 })).items;
    const id = laid?.id as LinkId;
    const changed = await scene.catalog.links.update(id, { filter: "event.data.x > 1" });
    expect(changed).toMatchObject({ id, eventType: "a", filter: "event.data.x > 1", origin: "person" });
    await scene.deploy("hello", { trigger_events: ["a"], description: "again" }, { id: "v2" });
    expect(await types(scene)).toEqual(["person a"]);
    const back = await scene.catalog.links.update(id, { filter: null, active: false, version: "v1" as VersionId });
    expect(back).toMatchObject({ filter: undefined, active: false, version: "v1" });
  });

  test("D17: changing a link into another is a conflict; what is missing is not found", async () => {
    const scene = await start();
    await scene.deploy("hello", { trigger_events: ["a", "b"] });
    const [first] = (await scene.catalog.links.list({ eventType: "a" }, { limit: 10 })).items;
    const id = first?.id as LinkId;
    const { links } = scene.catalog;
    await expect(links.update(id, { eventType: "b" })).rejects.toMatchObject({ code: "conflict" });
    await expect(links.update(id, { version: "v9" as VersionId })).rejects.toMatchObject({ code: "not-found" });
    const nobody = { ...link, service: "nobody", eventType: "a", filter: undefined };
    await expect(links.create(nobody)).rejects.toMatchObject({ code: "not-found" });
    const noVersion = { ...link, version: "v9" as VersionId, eventType: "a", filter: undefined };
    await expect(links.create(noVersion)).rejects.toMatchObject({ code: "not-found" });
    await links.delete(id);
    expect(await links.get(id)).toBeUndefined();
    await expect(links.delete(id)).rejects.toMatchObject({ code: "not-found" });
    await expect(links.update(id, { active: true })).rejects.toMatchObject({ code: "not-found" });
  });

  test("a snapshot names the version that a match starts: the active one, the pinned one, or none", async () => {
    const scene = await start();
    await scene.deploy("hello", { trigger_events: [], concurrency_key: "event.id" }, { id: "v1" });
    await scene.deploy("hello", { trigger_events: ["a"], priority: 3 }, { id: "v2" });
    await scene.catalog.links.create({ ...link, version: "v1" as VersionId, eventType: "b", filter: undefined });
    await scene.catalog.services.update("default", "hello", { active: false });
    const { links, epoch } = await scene.catalog.links.snapshot();
    expect(epoch).toBe(await scene.catalog.links.epoch());
    expect(Object.fromEntries(links.map(({ eventType, target }) => [eventType, target]))).toEqual({
      a: { active: false, version: "v2", priority: 3, concurrencyKey: undefined },
      b: { active: false, version: "v1", priority: 3, concurrencyKey: "event.id" },
    });
  });

  test("links are listed by project, service and type, in pages", async () => {
    const scene = await start();
    await scene.deploy("hello", { trigger_events: ["a", "b"] });
    await scene.deploy("other", { trigger_events: ["a"] }, { project: "shop" });
    const list = async (filter: { project?: string; service?: string; eventType?: string }) => {
      const first = await scene.catalog.links.list(filter, { limit: 1 });
      const rest = first.next
        ? await scene.catalog.links.list(filter, { limit: 10, after: first.next })
        : { items: [] };
      return [...first.items, ...rest.items].map(({ service, eventType }) => `${service} ${eventType}`).sort();
    };
    expect(await list({})).toEqual(["hello a", "hello b", "other a"]);
    expect(await list({ project: "shop" })).toEqual(["other a"]);
    expect(await list({ project: "default", service: "hello" })).toEqual(["hello a", "hello b"]);
    expect(await list({ eventType: "a" })).toEqual(["hello a", "other a"]);
  });
}
