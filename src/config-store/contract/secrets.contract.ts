import { expect, test } from "vitest";
import type { ConfigStoreContract } from "./open-store.contract.ts";

const scope = { kind: "project", project: "shop" } as const;
const change = (name: string, expectedVersion: number, isKept = true) => ({
  name,
  envelope: isKept ? Buffer.from("sealed") : undefined,
  origin: "person" as const,
  expectedVersion,
});

export function secretsContract({ open }: ConfigStoreContract): void {
  test("secrets are kept by scope and name, with versions; a deleted one is remembered without its envelope", async () => {
    const { store, reopen } = await open();
    await store.secrets.put(scope, [change("b", 0), change("a", 0)]);
    await store.secrets.put(scope, [change("a", 1, false)]);
    await store.secrets.put({ kind: "platform" }, [change("a", 0)]);
    const { secrets } = await reopen();
    expect(
      (await secrets.list(scope)).map(({ name, version, envelope }) => [name, version, envelope !== undefined]),
    ).toEqual([
      ["a", 2, false],
      ["b", 1, true],
    ]);
    expect(await secrets.all()).toHaveLength(3);
    await secrets.deleteScope(scope);
    expect((await secrets.all()).map((secret) => secret.scope)).toEqual([{ kind: "platform" }]);
  });

  test("a change of several secrets is made whole or not at all", async () => {
    const { store } = await open();
    await store.secrets.put(scope, [change("a", 0)]);
    const { revision } = store.secrets;
    await expect(store.secrets.put(scope, [change("b", 0), change("a", 0)])).rejects.toMatchObject({
      code: "conflict",
    });
    expect((await store.secrets.list(scope)).map(({ name }) => name)).toEqual(["a"]);
    await store.secrets.put(scope, [change("a", 1)]);
    expect(store.secrets.revision).toBeGreaterThan(revision);
  });

  test("secrets can be carried to another store; what is not newer than its own changes nothing", async () => {
    const { store } = await open();
    await store.secrets.put(scope, [change("a", 0), change("b", 0)]);
    await store.secrets.put(scope, [change("a", 1, false)]);
    await store.secrets.put(scope, [change("b", 1)]);
    const all = await store.secrets.all();
    const other = await open();
    const { revision } = other.store.secrets;
    for (const { scope, ...secret } of all) expect(await other.store.secrets.restore(scope, secret)).toBe(true);
    expect(other.store.secrets.revision).toBeGreaterThan(revision);
    for (const { scope, ...secret } of all) expect(await other.store.secrets.restore(scope, secret)).toBe(false);
    const carried = (await other.reopen()).secrets;
    const told = ({ envelope, ...facts }: (typeof all)[number]) => [
      facts,
      envelope && Buffer.from(envelope).toString(),
    ];
    expect((await carried.all()).map(told)).toEqual(all.map(told));
    expect(await carried.put(scope, [change("a", 2)])).toMatchObject([{ name: "a", version: 3 }]);
  });

  test("the canary is kept", async () => {
    const { store, reopen } = await open();
    expect(await store.secrets.canary()).toBeUndefined();
    await store.secrets.setCanary(Buffer.from("one"));
    await store.secrets.setCanary(Buffer.from("two"));
    expect(Buffer.from((await (await reopen()).secrets.canary()) ?? []).toString()).toBe("two");
  });
}
