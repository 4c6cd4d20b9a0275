import { expect, test } from "vitest";
import { type ConfigStore, maxStateValueBytes } from "./config-store.ts";

export interface ConfigStoreContract {
  /** A new, empty store; released by the caller when the test ends. */
  open(): Promise<{
    store: ConfigStore;
    /** Closes the store and opens another on what it kept. */
    reopen(): Promise<ConfigStore>;
  }>;
}

/** What every driver of the configuration store promises. Calls `test`; call it inside a `describe`. */
export function configStoreContract({ open }: ConfigStoreContract): void {
  const owner = { project: "shop", service: "orders" };
  const other = { project: "shop", service: "stock" };
  const all = async (store: ConfigStore) => {
    const found = [];
    for await (const entry of store.allState()) found.push(entry);
    return found;
  };

  test("D11: a put answers the next version, and what was put is read back, also after a restart", async () => {
    const { store, reopen } = await open();
    const value = { text: "Grüße 🗝\u0000", list: [1, 2.5, null, true], nested: { empty: {} } };
    expect(await store.putState(owner, "k", value, 0)).toEqual({ value, version: 1 });
    expect(await store.putState(owner, "k", [1], 1)).toEqual({ value: [1], version: 2 });
    await store.putState(owner, "other", null, 0);
    const expected = new Map([
      ["k", { value: [1], version: 2 }],
      ["other", { value: null, version: 1 }],
    ]);
    expect(await store.getState(owner)).toEqual(expected);
    expect(await (await reopen()).getState(owner)).toEqual(expected);
  });

  test("D11: a put that expects another version is a conflict and changes nothing", async () => {
    const { store } = await open();
    await store.putState(owner, "k", "first", 0);
    await store.putState(owner, "k", "second", 1);
    for (const expected of [0, 1, 3]) {
      await expect(store.putState(owner, "k", "wrong", expected)).rejects.toMatchObject({ code: "conflict" });
    }
    await expect(store.putState(owner, "new", "wrong", 1)).rejects.toMatchObject({ code: "conflict" });
    expect(await store.getState(owner)).toEqual(new Map([["k", { value: "second", version: 2 }]]));
  });

  test("D11: of concurrent puts on one version exactly one succeeds", async () => {
    const { store } = await open();
    const puts = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => store.putState(owner, "k", n, 0)));
    expect(puts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect((await store.getState(owner)).get("k")?.version).toBe(1);
  });

  test("D11: restore takes a newer version, and leaves a newer one of ours alone", async () => {
    const { store } = await open();
    expect(await store.restoreState(owner, "k", { value: "five", version: 5 })).toBe(true);
    expect(await store.restoreState(owner, "k", { value: "four", version: 4 })).toBe(false);
    expect(await store.restoreState(owner, "k", { value: "again", version: 5 })).toBe(false);
    expect(await store.putState(owner, "k", "six", 5)).toEqual({ value: "six", version: 6 });
    expect(await store.restoreState(owner, "k", { value: "nine", version: 9 })).toBe(true);
    expect((await store.getState(owner)).get("k")).toEqual({ value: "nine", version: 9 });
  });

  test("services keep their state apart; deleting one leaves the others", async () => {
    const { store } = await open();
    await store.putState(owner, "k", "orders", 0);
    await store.putState(other, "k", "stock", 0);
    await store.deleteState(owner);
    expect(await store.getState(owner)).toEqual(new Map());
    expect(await store.getState(other)).toEqual(new Map([["k", { value: "stock", version: 1 }]]));
    expect(await store.putState(owner, "k", "anew", 0)).toEqual({ value: "anew", version: 1 });
  });

  test("every value is listed, however many there are", async () => {
    const { store } = await open();
    expect(await all(store)).toEqual([]);
    for (let n = 0; n < 1200; n += 1) await store.putState(n % 2 === 0 ? owner : other, `key-${n}`, n, 0);
    const found = await all(store);
    expect(new Set(found.map(({ service, key }) => `${service.project}/${service.service}/${key}`)).size).toBe(1200);
    expect(found.every(({ key, value }) => key === `key-${value.value}` && value.version === 1)).toBe(true);
  });

  test("a value of the largest size is kept, one byte more is refused", async () => {
    const { store } = await open();
    const largest = "x".repeat(maxStateValueBytes - 2);
    await store.putState(owner, "k", largest, 0);
    await expect(store.putState(owner, "k", `${largest}x`, 1)).rejects.toMatchObject({ code: "limit-exceeded" });
    expect((await store.getState(owner)).get("k")).toEqual({ value: largest, version: 1 });
  });

  test("a closed store is unavailable", async () => {
    const { store } = await open();
    await store.close();
    await expect(store.getState(owner)).rejects.toMatchObject({ code: "unavailable" });
  });
}
