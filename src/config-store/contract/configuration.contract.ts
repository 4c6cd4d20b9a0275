import { expect, test } from "vitest";
import { maxValueBytes } from "../config-store.ts";
import { effectiveConfiguration } from "../configuration-store.ts";
import type { ConfigStoreContract } from "./open-store.contract.ts";

const service = { kind: "service", project: "shop", service: "orders" } as const;
const project = { kind: "project", project: "shop" } as const;
const person = { origin: "person" } as const;

export function configurationContract({ open }: ConfigStoreContract): void {
  test("configuration keeps every version of a key, deletions too, with who wrote it", async () => {
    const { store, reopen } = await open();
    const { configuration } = store;
    await configuration.propose(service, { limit: 5 });
    await configuration.put(service, "limit", { value: { max: null }, ...person });
    await configuration.put(service, "limit", { value: undefined, ...person });
    await configuration.put(service, "limit", { value: 7, ...person });
    const expected = [
      { version: 4, value: 7, deleted: false, origin: "person" },
      { version: 3, deleted: true, origin: "person" },
      { version: 2, value: { max: null }, deleted: false, origin: "person" },
      { version: 1, value: 5, deleted: false, origin: "manifest" },
    ];
    const { configuration: kept } = await reopen();
    expect(await kept.history(service, "limit", { limit: 10 })).toMatchObject(expected);
    expect(await kept.history(service, "limit", { limit: 1, before: 3 })).toMatchObject([expected[2]]);
    expect(await kept.get(service, "limit")).toMatchObject({ version: 4, value: 7 });
    expect(await kept.get(service, "other")).toBeUndefined();
  });

  test("of concurrent changes that expect one version exactly one succeeds; the others conflict", async () => {
    const { store } = await open();
    const put = (value: number) => store.configuration.put(service, "k", { value, ...person, expectedVersion: 0 });
    const puts = await Promise.allSettled([1, 2, 3, 4, 5].map(put));
    expect(puts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(puts.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "conflict" } });
    await expect(
      store.configuration.put(service, "k", { value: 9, ...person, expectedVersion: 2 }),
    ).rejects.toMatchObject({ code: "conflict" });
    expect(await store.configuration.history(service, "k", { limit: 10 })).toHaveLength(1);
  });

  test("S1: a deploy proposes: a person's value and a person's deletion stay, what the file no longer names goes", async () => {
    const { store } = await open();
    const { configuration } = store;
    const first = { mine: 1, removed: 1, dropped: 1, same: { a: 1, b: 2 } };
    expect((await configuration.propose(service, first)).taken.sort()).toEqual(["dropped", "mine", "removed", "same"]);
    await configuration.put(service, "mine", { value: "a person's", ...person });
    await configuration.put(service, "removed", { value: undefined, ...person });
    const second = { mine: 2, removed: 2, same: { b: 2, a: 1 }, fresh: true };
    const answer = { taken: ["fresh"], kept: ["mine", "removed"], gone: ["dropped"] };
    expect(await configuration.propose(service, second)).toEqual(answer);
    expect(await configuration.propose(service, second)).toEqual({ ...answer, taken: [], gone: [] });
    const values = [...(await configuration.values(service))].map(([key, { value }]) => [key, value]);
    expect(values).toEqual([
      ["fresh", true],
      ["mine", "a person's"],
      ["same", { a: 1, b: 2 }],
    ]);
    expect((await configuration.propose(service, { ...second, dropped: 3 })).taken).toEqual(["dropped"]);
  });

  test("the nearer scope wins; a forgotten scope leaves the others, and each change moves the revision", async () => {
    const { store } = await open();
    const { configuration } = store;
    const before = configuration.revision;
    for (const [scope, keys] of [
      [{ kind: "platform" }, ["a", "b", "c"]],
      [project, ["b", "c"]],
      [service, ["c"]],
    ] as const) {
      for (const key of keys) await configuration.put(scope, key, { value: scope.kind, ...person });
    }
    expect(configuration.revision).toBeGreaterThan(before);
    const effective = async () =>
      [...(await effectiveConfiguration(configuration, service))].map(([key, { value }]) => `${key}: ${value}`).sort();
    expect(await effective()).toEqual(["a: platform", "b: project", "c: service"]);
    const revision = configuration.revision;
    await configuration.deleteScope(service);
    expect(configuration.revision).toBeGreaterThan(revision);
    expect(await effective()).toEqual(["a: platform", "b: project", "c: project"]);
    expect(await configuration.history(service, "c", { limit: 10 })).toEqual([]);
  });

  test("every version of every key can be carried to another store; what is not newer than its own changes nothing", async () => {
    const { store } = await open();
    const { configuration } = store;
    await configuration.propose(service, { limit: 5, large: "x".repeat(5000) });
    await configuration.put(service, "limit", { value: { max: "Grüße\u0000" }, ...person });
    await configuration.put(project, "limit", { value: 1, ...person });
    await configuration.put(service, "limit", { value: undefined, ...person });
    const all = await Array.fromAsync(configuration.all());
    expect(all.map(({ scope, key, entry }) => `${scope.kind} ${key} ${entry.version}`).sort()).toEqual([
      "project limit 1",
      "service large 1",
      "service limit 1",
      "service limit 2",
      "service limit 3",
    ]);
    const other = await open();
    const { revision } = other.store.configuration;
    for (const placed of all) expect(await other.store.configuration.restore(placed)).toBe(true);
    expect(other.store.configuration.revision).toBeGreaterThan(revision);
    for (const placed of all) expect(await other.store.configuration.restore(placed)).toBe(false);
    const carried = (await other.reopen()).configuration;
    expect(await Array.fromAsync(carried.all())).toEqual(all);
    expect(await carried.history(service, "limit", { limit: 10 })).toEqual(
      await configuration.history(service, "limit", { limit: 10 }),
    );
    expect(await carried.put(service, "limit", { value: 8, ...person })).toMatchObject({ version: 4 });
  });

  test("a value of configuration of the largest size is kept, one byte more is refused, and a deletion of nothing too", async () => {
    const { store } = await open();
    const largest = "x".repeat(maxValueBytes - 2);
    await store.configuration.put(service, "k", { value: largest, ...person });
    await expect(store.configuration.put(service, "k", { value: `${largest}x`, ...person })).rejects.toMatchObject({
      code: "limit-exceeded",
    });
    expect((await store.configuration.get(service, "k"))?.version).toBe(1);
    await expect(store.configuration.put(service, "none", { value: undefined, ...person })).rejects.toMatchObject({
      code: "not-found",
    });
  });
}
