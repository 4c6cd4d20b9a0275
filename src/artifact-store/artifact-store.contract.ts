import { expect, test } from "vitest";
import { ManualClock } from "../../test/support/manual-clock.ts";
import type { Clock } from "../foundation/clock.ts";
import { sha256 } from "../foundation/hash.ts";
import type { ArtifactStore } from "./artifact-store.ts";

export interface ArtifactStoreContract {
  /** A new, empty store; released by the caller when the test ends. */
  open(options: { clock: Clock }): Promise<{
    store: ArtifactStore;
    /** Closes the store and opens another on what it kept. */
    reopen(): Promise<ArtifactStore>;
    /** Changes one stored object behind the store's back. */
    damage(hash: string, content: Uint8Array): Promise<void>;
  }>;
  capabilities: {
    /** Judges age by the clock it was given. A remote engine has a clock of its own. */
    ageByClock: boolean;
  };
}

/** What every driver of the artifact store promises. Calls `test`; call it inside a `describe`. */
export function artifactStoreContract({ open, capabilities }: ArtifactStoreContract): void {
  const start = async () => {
    const clock = new ManualClock();
    return { clock, ...(await open({ clock })) };
  };
  const bytes = (text: string) => Buffer.from(text);
  const equal = (left: Uint8Array, right: Uint8Array) => Buffer.compare(left, right) === 0;

  test("content is answered by its hash, byte for byte, also after a restart", async () => {
    const { store, reopen } = await start();
    const content = Uint8Array.from({ length: 70_000 }, (_, index) => index % 251);
    const hash = await store.put(content);
    expect(hash).toBe(sha256(content));
    expect(equal(await store.get(hash), content)).toBe(true);
    expect(equal(await (await reopen()).get(hash), content)).toBe(true);
  });

  test("empty content is content", async () => {
    const { store } = await start();
    expect(await store.get(await store.put(new Uint8Array(0)))).toHaveLength(0);
  });

  test("the same content has one hash, however often and by however many it is stored", async () => {
    const { store } = await start();
    const hashes = await Promise.all(Array.from({ length: 20 }, () => store.put(bytes("the same"))));
    expect(new Set(hashes)).toEqual(new Set([sha256("the same")]));
    expect(equal(await store.get(sha256("the same")), bytes("the same"))).toBe(true);
  });

  test("an unknown hash is not found, and is not there", async () => {
    const { store } = await start();
    const hash = sha256("never stored");
    expect(await store.has(hash)).toBe(false);
    await expect(store.get(hash)).rejects.toMatchObject({ code: "not-found" });
    await store.put(bytes("never stored"));
    expect(await store.has(hash)).toBe(true);
  });

  test("content that no longer has its hash is corrupt, and storing it again mends it", async () => {
    const { store, damage } = await start();
    for (const damaged of ["changes", "shorter than before"]) {
      const hash = await store.put(bytes("content"));
      await damage(hash, bytes(damaged));
      await expect(store.get(hash)).rejects.toMatchObject({ code: "corrupt" });
      await store.put(bytes("content"));
      expect(equal(await store.get(hash), bytes("content"))).toBe(true);
    }
  });

  test("what is no hash is refused", async () => {
    const { store } = await start();
    for (const name of [
      "",
      "..",
      "../../etc/passwd",
      "a".repeat(42),
      "a".repeat(44),
      `${"a".repeat(42)}/`,
      `${"a".repeat(42)}\0`,
    ]) {
      await expect(store.get(name)).rejects.toMatchObject({ code: "invalid-input" });
      await expect(store.has(name)).rejects.toMatchObject({ code: "invalid-input" });
    }
  });

  if (capabilities.ageByClock) {
    test("D13: a sweep takes what is past the grace and not named", async () => {
      const { store, clock } = await start();
      const named = await store.put(bytes("named"));
      const old = await store.put(bytes("old"));
      clock.advance(10_000);
      const young = await store.put(bytes("young"));
      expect(await store.sweep(new Set([named]), 5000)).toBe(1);
      expect(await Promise.all([named, old, young].map((hash) => store.has(hash)))).toEqual([true, false, true]);
    });

    test("D13: content that was stored again is young again: a deploy of an old version survives the sweep", async () => {
      const { store, clock } = await start();
      const hash = await store.put(bytes("old version"));
      clock.advance(10_000);
      await store.put(bytes("old version"));
      expect(await store.sweep(new Set(), 5000)).toBe(0);
      expect(await store.has(hash)).toBe(true);
    });
  }
}
