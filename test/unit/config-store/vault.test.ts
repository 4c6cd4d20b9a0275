import { expect, onTestFinished, test } from "vitest";
import { openSqliteConfigStore } from "../../../src/config-store/sqlite.ts";
import { Vault } from "../../../src/config-store/vault.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import type { Scope } from "../../../src/services/scope.ts";

const place: Scope = { kind: "project", project: "shop" };
const elsewhere: Scope = { kind: "project", project: "bank" };
const key = (fill: number) => new Uint8Array(32).fill(fill);

function open() {
  const store = openSqliteConfigStore({ clock: systemClock });
  onTestFinished(() => store.close());
  const { secrets } = store;
  return { secrets, vault: (...keys: Uint8Array[]) => Vault.open({ store: secrets, keys, random: systemRandom }) };
}

test("S1: what is stored is not the value, and differs each time; what is read is the value, of its JSON type", async () => {
  const { secrets, vault } = open();
  const opened = await vault(key(1));
  const value = { user: "bob", password: "geheim-ö", port: 5432 };
  await opened.put(place, "a", { value, origin: "person" });
  await opened.put(place, "b", { value, origin: "person" });
  const [a, b] = (await secrets.list(place)).map(({ envelope }) => Buffer.from(envelope ?? []));
  expect(a?.equals(b ?? Buffer.alloc(0))).toBe(false);
  for (const envelope of [a, b]) expect(envelope?.toString("latin1")).not.toMatch(/geheim|bob|5432/);
  expect(await opened.read(place)).toEqual(
    new Map([
      ["a", value],
      ["b", value],
    ]),
  );
  expect(await opened.list(place)).toMatchObject([
    { name: "a", version: 1 },
    { name: "b", version: 1 },
  ]);
});

test("S1: a ciphertext that is moved to another name or scope does not open", async () => {
  const { secrets, vault } = open();
  const opened = await vault(key(1));
  await opened.put(place, "a", { value: "the value", origin: "person" });
  const [stored] = await secrets.list(place);
  const moved = { origin: "person" as const, envelope: stored?.envelope, expectedVersion: 0 };
  await secrets.put(place, [{ ...moved, name: "b" }]);
  await secrets.put(elsewhere, [{ ...moved, name: "a" }]);
  await expect(opened.read(place)).rejects.toMatchObject({ code: "corrupt", message: expect.stringContaining("/b") });
  await expect(opened.read(elsewhere)).rejects.toMatchObject({ code: "corrupt" });
});

test("S1: another key is told at once, with what to do", async () => {
  const { vault } = open();
  await vault(key(1));
  await expect(vault(key(2))).rejects.toMatchObject({
    code: "corrupt",
    message: expect.stringMatching(/FX_SECRETS_KEY.*secrets\.key.*config\.db/),
  });
});

test("a new first key seals everything anew; then the former one is not needed", async () => {
  const { vault } = open();
  await (await vault(key(1))).put(place, "a", { value: "the value", origin: "person" });
  await vault(key(2), key(1));
  expect(await (await vault(key(2))).read(place)).toEqual(new Map([["a", "the value"]]));
  await expect(vault(key(1))).rejects.toMatchObject({ code: "corrupt" });
});

test("S1: a deploy proposes; what a person or a script set, and what a person deleted, stays; nothing goes", async () => {
  const { vault } = open();
  const opened = await vault(key(1));
  const propose = (values: Record<string, string>) => opened.propose(place, new Map(Object.entries(values)));
  await propose({ mine: "one", removed: "one", refreshed: "one", left: "one", same: "one" });
  await opened.put(place, "mine", { value: "a person's", origin: "person" });
  await opened.put(place, "refreshed", { value: "a script's", origin: "script" });
  await opened.put(place, "removed", { value: undefined, origin: "person" });
  const second = { mine: "two", removed: "two", refreshed: "two", same: "one", fresh: "two" };
  expect(await propose(second)).toEqual({ taken: ["fresh"], kept: ["mine", "removed", "refreshed"], gone: [] });
  expect(Object.fromEntries(await opened.read(place))).toEqual({
    fresh: "two",
    left: "one",
    mine: "a person's",
    refreshed: "a script's",
    same: "one",
  });
  expect((await opened.list(place)).find(({ name }) => name === "same")?.version).toBe(1);
});

test("names and values that are none are refused, without a word of the value", async () => {
  const { vault } = open();
  const opened = await vault(key(1));
  const put = (name: string, value: string | null) => opened.put(place, name, { value, origin: "person" });
  for (const name of ["", "a/b", "a\nb", "x".repeat(257)]) {
    await expect(put(name, "the value")).rejects.toMatchObject({
      code: "invalid-input",
      message: expect.not.stringContaining("the value"),
    });
  }
  await expect(put("a", null)).rejects.toMatchObject({ code: "invalid-input" });
  await expect(put("a", "x".repeat(40_000))).rejects.toMatchObject({ code: "limit-exceeded" });
  for (let n = 0; n < 8; n += 1) await put(`large-${n}`, "x".repeat(32_000));
  await expect(put("one-more", "x".repeat(32_000))).rejects.toMatchObject({ code: "limit-exceeded" });
});

test("S1: secrets are given to another vault under its own key, with their versions and deletions, and once", async () => {
  const [source, target] = [open(), open()];
  const from = await source.vault(key(1));
  for (const value of ["first value", "second value"]) await from.put(place, "a", { value, origin: "person" });
  await from.put(elsewhere, "gone", { value: "third value", origin: "manifest" });
  await from.put(elsewhere, "gone", { value: undefined, origin: "person" });
  const to = await target.vault(key(2));
  expect([await from.copyTo(to), await from.copyTo(to)]).toEqual([2, 2]);
  expect(await to.read(place)).toEqual(new Map([["a", "second value"]]));
  const facts = async (store: typeof source) => (await store.secrets.all()).map(({ envelope: _, ...told }) => told);
  expect(await facts(target)).toEqual(await facts(source));
  expect(await (await target.vault(key(2))).propose(elsewhere, new Map([["gone", "again"]]))).toMatchObject({
    kept: ["gone"],
  });
  await expect(target.vault(key(1))).rejects.toMatchObject({ code: "corrupt" });
});
