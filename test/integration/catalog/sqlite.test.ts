import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as turn } from "node:timers/promises";
import { Kysely } from "kysely";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { catalogContract } from "../../../src/catalog/catalog.contract.ts";
import { sqliteDialect, sqliteTraits } from "../../../src/catalog/dialects/sqlite.ts";
import { openKyselyCatalog } from "../../../src/catalog/kysely/kysely-catalog.ts";
import type { Tables } from "../../../src/catalog/kysely/tables.ts";
import { openSqliteCatalog } from "../../../src/catalog/sqlite.ts";
import { maxLosses } from "../../../src/executions/execution.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { tempDir } from "../../support/temp-dir.ts";

const parts = { clock: systemClock, ids: createIds(systemClock, systemRandom), log: silentLog };

describe("the catalog's contract on SQLite in memory", () => {
  catalogContract({
    async open({ clock, ids }) {
      const database = new DatabaseSync(":memory:");
      onTestFinished(() => database.close());
      const openIt = () => openSqliteCatalog({ database, clock, ids, log: silentLog });
      return { catalog: await openIt(), reopen: openIt };
    },
  });
});

describe("the catalog in a file", () => {
  test("a second start finds what the first stored", async () => {
    const path = join(tempDir(), "catalog.db");
    const first = await openSqliteCatalog({ path, ...parts });
    await first.projects.create({ name: "shop", description: "sells" });
    await first.close();
    const second = await openSqliteCatalog({ path, ...parts });
    expect(await second.projects.get("shop")).toMatchObject({ description: "sells" });
    await second.close();
  });

  test("it is written ahead to a log, so that a commit is one sync", async () => {
    const path = join(tempDir(), "catalog.db");
    await (await openSqliteCatalog({ path, ...parts })).close();
    const database = new DatabaseSync(path);
    onTestFinished(() => database.close());
    expect(database.prepare("pragma journal_mode").get()).toMatchObject({ journal_mode: "wal" });
  });

  test("no call is answered before what it wrote is on the disk, nor when it cannot be brought there", async () => {
    const database = new DatabaseSync(":memory:");
    onTestFinished(() => database.close());
    const db = new Kysely<Tables>({ dialect: sqliteDialect({ database, closesDatabase: false, sync: undefined }) });
    let disk: Promise<void> = Promise.resolve();
    const limits = { losses: maxLosses };
    const now = () => systemClock.now();
    const catalog = await openKyselyCatalog({ ...parts, now, db, traits: sqliteTraits, limits, durable: () => disk });
    const written = Promise.withResolvers<void>();
    disk = written.promise;
    const asked = catalog.projects.create({ name: "shop", description: "" }).then(() => "answered");
    await vi.waitFor(() => expect(database.prepare("select name from projects").all()).toHaveLength(2));
    expect(await Promise.race([asked, Promise.resolve("waits")])).toBe("waits");
    // Nor is what only a look could see: the outbox is for others to read.
    database.exec("insert into outbox (topic, event) values ('fx.platform', '{}')");
    const seen = catalog.outbox.peek(1).then(() => "answered");
    expect(await Promise.race([seen, turn("waits")])).toBe("waits");
    written.resolve();
    expect(await asked).toBe("answered");
    expect(await seen).toBe("answered");
    disk = Promise.reject(new PlatformError("unavailable", "the disk failed", { retryable: false }));
    disk.catch(() => {});
    const refused = catalog.projects.create({ name: "store", description: "" });
    await expect(refused).rejects.toMatchObject({ code: "unavailable", message: "the disk failed" });
  });

  test("a file that is no database is corrupt; one that cannot be opened is unavailable", async () => {
    const path = join(tempDir(), "catalog.db");
    writeFileSync(path, "this is no database, however long one may look at it. ".repeat(100));
    await expect(openSqliteCatalog({ path, ...parts })).rejects.toMatchObject({ code: "corrupt", retryable: false });
    const nowhere = join(tempDir(), "missing", "catalog.db");
    await expect(openSqliteCatalog({ path: nowhere, ...parts })).rejects.toMatchObject({ code: "unavailable" });
  });

  test("a full disk is unavailable, undoes the whole call, and passes", async () => {
    const database = new DatabaseSync(":memory:");
    onTestFinished(() => database.close());
    const catalog = await openSqliteCatalog({ database, ...parts });
    const { page_count: pages } = database.prepare("pragma page_count").get() as { page_count: number };
    database.exec(`pragma max_page_count = ${pages}`);
    const large = { name: "large", description: "x".repeat(100_000) };
    await expect(catalog.projects.create(large)).rejects.toMatchObject({ code: "unavailable", retryable: true });
    expect(await catalog.projects.get("large")).toBeUndefined();
    database.exec("pragma max_page_count = 1000000");
    await catalog.projects.create(large);
    expect(await catalog.projects.get("large")).toBeDefined();
    await catalog.close();
  });

  test("a catalog whose database another one took over changes nothing any more", async () => {
    const database = new DatabaseSync(":memory:");
    onTestFinished(() => database.close());
    const former = await openSqliteCatalog({ database, ...parts });
    const current = await openSqliteCatalog({ database, ...parts });
    await expect(former.projects.create({ name: "late", description: "" })).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(await current.projects.get("late")).toBeUndefined();
    await former.close();
    await current.projects.create({ name: "shop", description: "" });
  });

  test("a database of a newer release is refused", async () => {
    const database = new DatabaseSync(":memory:");
    onTestFinished(() => database.close());
    await (await openSqliteCatalog({ database, ...parts })).close();
    database.exec("insert into kysely_migration (name, timestamp) values ('9999-from-the-future', '2100-01-01')");
    await expect(openSqliteCatalog({ database, ...parts })).rejects.toMatchObject({ code: "conflict" });
  });
});
