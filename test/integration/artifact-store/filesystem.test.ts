import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { artifactStoreContract } from "../../../src/artifact-store/artifact-store.contract.ts";
import { FilesystemArtifactStore } from "../../../src/artifact-store/filesystem.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { tempDir } from "../../support/temp-dir.ts";

const objectPath = (directory: string, hash: string) => join(directory, "objects", hash.slice(0, 2), hash);

describe("a directory", () => {
  artifactStoreContract({
    capabilities: { ageByClock: true },
    open: async ({ clock }) => {
      const directory = join(tempDir(), "artifacts");
      const store = await FilesystemArtifactStore.open({ directory, clock });
      return {
        store,
        reopen: () => FilesystemArtifactStore.open({ directory, clock }),
        damage: async (hash, content) => writeFileSync(objectPath(directory, hash), content),
      };
    },
  });
});

test("objects can be read by the owner only, and nothing else is left behind", async () => {
  const directory = join(tempDir(), "artifacts");
  const store = await FilesystemArtifactStore.open({ directory, clock: systemClock });
  const hash = await store.put(Buffer.from("content"));
  const path = objectPath(directory, hash);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  for (const folder of [directory, join(directory, "objects"), join(path, "..")]) {
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  }
  expect(readdirSync(join(directory, "aside"))).toEqual([]);
});

test("what a crash left half-written is swept, and never answered", async () => {
  const directory = join(tempDir(), "artifacts");
  const clock = new ManualClock();
  const store = await FilesystemArtifactStore.open({ directory, clock });
  writeFileSync(join(directory, "aside", "left"), "half");
  clock.advance(Date.now() - clock.now() + 60_000);
  expect(await store.sweep(new Set(), 1000)).toBe(0);
  expect(readdirSync(join(directory, "aside"))).toEqual([]);
});

test("a disk that refuses is unavailable, and says where", async () => {
  const directory = join(tempDir(), "file");
  writeFileSync(directory, "in the way");
  await expect(FilesystemArtifactStore.open({ directory, clock: systemClock })).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining(directory),
  });
});
