import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EnvironmentStore, graceMs } from "../../../src/executor/environments/environment-store.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import type { VersionId } from "../../../src/foundation/ids.ts";
import { eventually } from "../../support/eventually.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { tempDir } from "../../support/temp-dir.ts";

const dayMs = 86_400_000;
const v1 = "v1" as VersionId;
const v2 = "v2" as VersionId;

async function made(store: EnvironmentStore, key: string, version: VersionId) {
  await store.make(key, async (directory) => writeFileSync(join(directory, "package"), ""));
  await store.use(key, version);
}

const environmentsIn = (store: EnvironmentStore) => readdirSync(store.path).filter((name) => name !== "lock");

describe("making an environment", () => {
  it("is done once, by whichever of two processes comes first", async () => {
    const path = tempDir();
    let installs = 0;
    let atOnce = 0;
    const install = async () => {
      installs += 1;
      atOnce += 1;
      expect(atOnce).toBe(1);
      await new Promise(setImmediate);
      atOnce -= 1;
    };
    // Each store stands for a process: they share nothing but the directory.
    const stores = Array.from({ length: 4 }, () => new EnvironmentStore(path, systemClock));
    await Promise.all(stores.flatMap((store) => [store.make("a", install), store.make("b", install)]));
    expect(installs).toBe(2);
    expect(stores.every((store) => store.isReady("a") && store.isReady("b"))).toBe(true);
  });

  it("says that it waits where another one is being made", async () => {
    const path = tempDir();
    const first = new EnvironmentStore(path, systemClock);
    const second = new EnvironmentStore(path, systemClock);
    const said: string[] = [];
    let end = () => {};
    const begun = new Promise<void>((begin) => {
      void first.make(
        "a",
        () => {
          begin();
          return new Promise((resolve) => {
            end = resolve;
          });
        },
        { onWait: () => said.push("a waits") },
      );
    });
    await begun;
    const waiting = second.make("b", async () => {}, { onWait: () => said.push("b waits") });
    await eventually(() => said.length > 0);
    end();
    await waiting;
    expect(said).toEqual(["b waits"]);
  });

  it("that fails leaves nothing, and can be tried again", async () => {
    const store = new EnvironmentStore(tempDir(), systemClock);
    const failing = store.make("a", async (directory) => {
      writeFileSync(join(directory, "half"), "");
      throw new Error("no such package");
    });
    await expect(failing).rejects.toThrow("no such package");
    expect(environmentsIn(store)).toEqual([]);
    await made(store, "a", v1);
    expect(store.isReady("a")).toBe(true);
  });

  it("begins anew where a killed process left one half made", async () => {
    const path = tempDir();
    const store = new EnvironmentStore(path, systemClock);
    // What a kill leaves: the directory without the file that makes it ready.
    await made(store, "a", v1);
    rmSync(join(path, "a", "ready.json"));
    writeFileSync(join(path, "a", "half"), "");
    expect(store.isReady("a")).toBe(false);
    await made(store, "a", v1);
    expect(existsSync(join(path, "a", "half"))).toBe(false);
  });
});

describe("pruning environments", () => {
  const all = async () => true;
  const none = async () => false;

  it("removes what no stored version needs, after longer than any script may run", async () => {
    const clock = new ManualClock();
    const store = new EnvironmentStore(tempDir(), clock);
    await made(store, "python-a", v1);
    await made(store, "python-b", v2);
    expect(await store.prune(none, 30 * dayMs)).toBe(0);
    clock.advance(graceMs);
    expect(await store.prune(async (version) => version === v2, 30 * dayMs)).toBe(1);
    expect(environmentsIn(store)).toEqual(["python-b"]);
  });

  it("keeps one that any of its versions needs, and one that was used meanwhile", async () => {
    const clock = new ManualClock();
    const store = new EnvironmentStore(tempDir(), clock);
    await made(store, "python-shared", v1);
    await store.use("python-shared", v2);
    await made(store, "python-used", v1);
    clock.advance(graceMs - 1);
    await store.use("python-used", v1);
    clock.advance(1);
    expect(await store.prune(async (version) => version === v2, 30 * dayMs)).toBe(0);
    expect(environmentsIn(store)).toEqual(["python-shared", "python-used"]);
  });

  it("removes what nothing used for long, stored or not; a later start knows of the last use", async () => {
    const clock = new ManualClock();
    const path = tempDir();
    const store = new EnvironmentStore(path, clock);
    await made(store, "python-old", v1);
    await made(store, "python-new", v2);
    clock.advance(29 * dayMs);
    await store.use("python-new", v2);
    clock.advance(dayMs);
    const later = new EnvironmentStore(path, clock);
    expect(await later.prune(all, 30 * dayMs)).toBe(1);
    expect(environmentsIn(later)).toEqual(["python-new"]);
  });

  it("removes what a killed process left half made, and nothing that is no environment", async () => {
    const path = tempDir();
    const store = new EnvironmentStore(path, systemClock);
    await made(store, "python-whole", v1);
    await made(store, "python-half", v1);
    rmSync(join(path, "python-half", "ready.json"));
    writeFileSync(join(path, "note.txt"), "");
    expect(await store.prune(all, 30 * dayMs)).toBe(1);
    expect(environmentsIn(store)).toEqual(["note.txt", "python-whole"]);
  });
});
