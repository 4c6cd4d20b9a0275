import { expect, test } from "vitest";
import { type ConfigStore, maxValueBytes } from "./config-store.ts";
import { configurationContract } from "./contract/configuration.contract.ts";
import type { ConfigStoreContract } from "./contract/open-store.contract.ts";
import { secretsContract } from "./contract/secrets.contract.ts";

/** What every driver of the configuration store promises. Calls `test`; call it inside a `describe`. */
export function configStoreContract({ open }: ConfigStoreContract): void {
  configurationContract({ open });
  secretsContract({ open });
  const owner = { project: "shop", service: "orders" };
  const other = { project: "shop", service: "stock" };
  const all = async (store: ConfigStore) => {
    const found = [];
    for await (const entry of store.state.all()) found.push(entry);
    return found;
  };

  test("D11: a put answers the next version, and what was put is read back, also after a restart", async () => {
    const { store, reopen } = await open();
    const value = { text: "Grüße 🗝\u0000", list: [1, 2.5, null, true], nested: { empty: {} } };
    expect(await store.state.put(owner, "k", value, 0)).toEqual({ value, version: 1 });
    expect(await store.state.put(owner, "k", [1], 1)).toEqual({ value: [1], version: 2 });
    await store.state.put(owner, "other", null, 0);
    const expected = new Map([
      ["k", { value: [1], version: 2 }],
      ["other", { value: null, version: 1 }],
    ]);
    expect(await store.state.get(owner)).toEqual(expected);
    expect(await (await reopen()).state.get(owner)).toEqual(expected);
  });

  test("D11: a put that expects another version is a conflict and changes nothing", async () => {
    const { store } = await open();
    await store.state.put(owner, "k", "first", 0);
    await store.state.put(owner, "k", "second", 1);
    for (const expected of [0, 1, 3]) {
      await expect(store.state.put(owner, "k", "wrong", expected)).rejects.toMatchObject({ code: "conflict" });
    }
    await expect(store.state.put(owner, "new", "wrong", 1)).rejects.toMatchObject({ code: "conflict" });
    expect(await store.state.get(owner)).toEqual(new Map([["k", { value: "second", version: 2 }]]));
  });

  test("D11: of concurrent puts on one version exactly one succeeds", async () => {
    const { store } = await open();
    const puts = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => store.state.put(owner, "k", n, 0)));
    expect(puts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect((await store.state.get(owner)).get("k")?.version).toBe(1);
  });

  test("D11: restore takes a newer version, and leaves a newer one of ours alone", async () => {
    const { store } = await open();
    expect(await store.state.restore(owner, "k", { value: "five", version: 5 })).toBe(true);
    expect(await store.state.restore(owner, "k", { value: "four", version: 4 })).toBe(false);
    expect(await store.state.restore(owner, "k", { value: "again", version: 5 })).toBe(false);
    expect(await store.state.put(owner, "k", "six", 5)).toEqual({ value: "six", version: 6 });
    expect(await store.state.restore(owner, "k", { value: "nine", version: 9 })).toBe(true);
    expect((await store.state.get(owner)).get("k")).toEqual({ value: "nine", version: 9 });
  });

  test("services keep their state apart; deleting one leaves the others", async () => {
    const { store } = await open();
    await store.state.put(owner, "k", "orders", 0);
    await store.state.put(other, "k", "stock", 0);
    await store.state.delete(owner);
    expect(await store.state.get(owner)).toEqual(new Map());
    expect(await store.state.get(other)).toEqual(new Map([["k", { value: "stock", version: 1 }]]));
    await store.state.delete(owner);
  });

  test("D11: a deletion is a version: it is listed, it is restored, and versions go on behind it", async () => {
    const { store } = await open();
    await store.state.put(owner, "k", "one", 0);
    await store.state.put(owner, "left", true, 0);
    expect(await store.state.delete(owner, "k")).toEqual([{ key: "k", entry: { deleted: true, version: 2 } }]);
    expect(await store.state.delete(owner, "k")).toEqual([]);
    expect([...(await store.state.get(owner)).keys()]).toEqual(["left"]);
    expect((await all(store)).map(({ key, entry }) => [key, entry])).toContainEqual([
      "k",
      { deleted: true, version: 2 },
    ]);
    await expect(store.state.put(owner, "k", "late", 1)).rejects.toMatchObject({ code: "conflict" });
    expect(await store.state.restore(owner, "k", { value: "late", version: 1 })).toBe(false);
    expect(await store.state.put(owner, "k", "anew", 0)).toEqual({ value: "anew", version: 3 });
    expect(await store.state.restore(owner, "k", { deleted: true, version: 4 })).toBe(true);
    expect((await store.state.get(owner)).has("k")).toBe(false);
  });

  test("every value is listed, however many there are", async () => {
    const { store } = await open();
    expect(await all(store)).toEqual([]);
    for (let n = 0; n < 1200; n += 1) await store.state.put(n % 2 === 0 ? owner : other, `key-${n}`, n, 0);
    const found = await all(store);
    expect(new Set(found.map(({ service, key }) => `${service.project}/${service.service}/${key}`)).size).toBe(1200);
    expect(
      found.every(({ key, entry }) => "value" in entry && key === `key-${entry.value}` && entry.version === 1),
    ).toBe(true);
  });

  test("a value of the largest size is kept, one byte more is refused", async () => {
    const { store } = await open();
    const largest = "x".repeat(maxValueBytes - 2);
    await store.state.put(owner, "k", largest, 0);
    await expect(store.state.put(owner, "k", `${largest}x`, 1)).rejects.toMatchObject({ code: "limit-exceeded" });
    expect((await store.state.get(owner)).get("k")).toEqual({ value: largest, version: 1 });
  });

  test("a closed store is unavailable", async () => {
    const { store } = await open();
    await store.close();
    await expect(store.state.get(owner)).rejects.toMatchObject({ code: "unavailable" });
  });
}
