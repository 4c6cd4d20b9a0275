import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { configStoreContract } from "../../../src/config-store/config-store.contract.ts";
import type { ConfigStore } from "../../../src/config-store/config-store.ts";
import { openSqliteConfigStore } from "../../../src/config-store/sqlite.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { tempDir } from "../../support/temp-dir.ts";

const owner = { project: "shop", service: "orders" };

function open(at: { path: string } | { database: DatabaseSync }): ConfigStore {
  const store = openSqliteConfigStore({ ...at, clock: systemClock });
  onTestFinished(() => store.close());
  return store;
}

describe("a file", () => {
  configStoreContract({
    open: async () => {
      const path = join(tempDir(), "config.db");
      const store = open({ path });
      return {
        store,
        reopen: async () => {
          await store.close();
          return open({ path });
        },
      };
    },
  });
});

test("the file can be read by its owner only", async () => {
  const path = join(tempDir(), "config.db");
  await open({ path }).state.put(owner, "k", "secretive", 0);
  for (const suffix of ["", "-wal", "-shm"]) expect(statSync(path + suffix).mode & 0o777).toBe(0o600);
});

test("a full disk refuses the put, keeps the value of before, and passes", async () => {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  const store = open({ database });
  await store.state.put(owner, "k", "before", 0);
  database.exec("pragma max_page_count = 1");
  await expect(store.state.put(owner, "k", "x".repeat(100_000), 1)).rejects.toMatchObject({ code: "unavailable" });
  expect((await store.state.get(owner)).get("k")).toEqual({ value: "before", version: 1 });
  database.exec("pragma max_page_count = 100000");
  expect((await store.state.put(owner, "k", "x".repeat(100_000), 1)).version).toBe(2);
});

test("opening anew on the same database shuts the store of before out", async () => {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  const before = open({ database });
  await before.state.put(owner, "k", 1, 0);
  const after = open({ database });
  await expect(before.state.put(owner, "k", 2, 1)).rejects.toMatchObject({ code: "unavailable" });
  expect((await after.state.get(owner)).get("k")).toEqual({ value: 1, version: 1 });
});
