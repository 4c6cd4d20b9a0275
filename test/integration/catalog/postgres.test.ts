import { describe, expect, test } from "vitest";
import { catalogContract } from "../../../src/catalog/catalog.contract.ts";
import { held, Scene, step } from "../../../src/catalog/contract/scene.contract.ts";
import type { CatalogChange } from "../../../src/catalog/news.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { eventually } from "../../support/eventually.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";

const postgres = postgresForFile();

async function openScene(): Promise<Scene> {
  const clock = new ManualClock();
  const ids = createIds(clock, systemRandom);
  const catalog = await postgres.open({ url: await postgres.emptyCatalog(), ids, now: () => clock.now() });
  return new Scene(catalog, clock, ids);
}

describe("the catalog's contract on PostgreSQL", () => {
  catalogContract({
    async open({ clock, ids }) {
      const url = await postgres.emptyCatalog();
      const openIt = () => postgres.open({ url, ids, now: () => clock.now() });
      return { catalog: await openIt(), reopen: openIt };
    },
  });
});

describe("the catalog on PostgreSQL", () => {
  test("D8: leases are judged by the server's clock, whatever a process's own says", async () => {
    const clock = new ManualClock(0);
    const ids = createIds(systemClock, systemRandom);
    const catalog = await postgres.open({ url: await postgres.emptyCatalog(), clock, ids });
    const scene = new Scene(catalog, clock, ids);
    await scene.deploy();
    await scene.route(scene.event());
    const before = Date.now();
    const { execution } = await scene.claimOne({ leaseMs: 60_000 });
    expect(execution.lease.until).toBeGreaterThanOrEqual(before - 1000 + 60_000);
    expect(execution.lease.until).toBeLessThanOrEqual(Date.now() + 1000 + 60_000);
    expect(await catalog.leases.expire(10)).toEqual([]);
  });

  test("names are in the order of their characters' numbers, in a database that sorts otherwise", async () => {
    const { catalog } = await openScene();
    for (const name of ["b", "B", "a_", "aa", "ä", "a-b"]) await catalog.projects.create({ name, description: "" });
    const names = [];
    let after: string | undefined;
    do {
      const { items, next } = await catalog.projects.list({ limit: 2, after });
      names.push(...items.map(({ name }) => name));
      after = next;
    } while (after !== undefined);
    expect(names).toEqual(["B", "a-b", "a_", "aa", "b", "default", "ä"]);
  });

  test("output with a NUL is kept, the NUL as its picture: no text here holds one", async () => {
    const scene = await openScene();
    await scene.deploy();
    const { id } = await scene.start();
    const claimed = await scene.claimOne();
    const output = { preview: "a\0b", sizeBytes: 3, truncated: false };
    expect(await scene.finish(claimed, { kind: "completed" }, [step(1, "completed", { output })])).toBe(true);
    expect((await scene.catalog.executions.steps(id))[0]?.output).toEqual({ ...output, preview: "a\u2400b" });
  });

  test("two records of one step in one call leave what ended it", async () => {
    const scene = await openScene();
    await scene.deploy();
    const { id } = await scene.start();
    const lease = held(await scene.claimOne());
    const records = [step(1, "completed"), step(1, "in_progress")].map((step) => ({ ...lease, steps: [step] }));
    await scene.catalog.leases.recordSteps(records);
    expect(await scene.catalog.executions.steps(id)).toMatchObject([{ n: 1, status: "completed", exitCode: 0 }]);
  });

  test("numbers past 32 bits are kept", async () => {
    const { catalog } = await openScene();
    const place = { topic: "fx.events", partition: 7, offset: 2 ** 40 };
    await catalog.routing.reject([{ ...place, reason: "unreadable", receivedAt: 0 }]);
    expect(await catalog.ledger.totals()).toMatchObject([{ partition: 7, toOffset: 2 ** 40 + 1, rejected: 1 }]);
  });

  test("every process hears of changed links and of executions to claim", async () => {
    const url = await postgres.emptyCatalog();
    const clock = new ManualClock();
    const ids = createIds(clock, systemRandom);
    const [here, there] = [await postgres.open({ url, ids }), await postgres.open({ url })];
    const heard = new Set<CatalogChange>();
    const stop = there.news?.onChange((change) => heard.add(change));
    const scene = new Scene(here, clock, ids);
    await scene.deploy();
    await eventually(() => expect([...heard]).toEqual(["links"]));
    await scene.route(scene.event());
    await eventually(() => expect([...heard]).toEqual(["links", "dispatch"]));
    stop?.();
  });

  test("one that wants a catalog alone is refused while another has it so, and has it afterwards", async () => {
    const url = await postgres.emptyCatalog();
    const first = await postgres.open({ url, alone: true });
    await expect(postgres.open({ url, alone: true })).rejects.toMatchObject({ code: "conflict" });
    await postgres.open({ url });
    await first.close();
    await postgres.open({ url, alone: true });
  });

  test("a server that is not there, a wrong password and a missing database are unavailable at the start", async () => {
    const { url } = postgres.server;
    const wrong = ["postgres://admin:x@127.0.0.1:1/postgres", url.replace(/:[^:@]*@/, ":no@"), `${url}_missing`];
    for (const url of wrong) await expect(postgres.open({ url })).rejects.toMatchObject({ code: "unavailable" });
  });

  test("a database of a newer release is refused", async () => {
    const url = await postgres.newDatabase();
    await (await postgres.open({ url })).close();
    await postgres.query("insert into kysely_migration values ('9999-from-the-future', '2100-01-01')", url);
    await expect(postgres.open({ url })).rejects.toMatchObject({ code: "conflict" });
  });

  test("a column that a newer release adds does not stop those that still run", async () => {
    const url = await postgres.newDatabase();
    const catalog = await postgres.open({ url });
    const list = () => catalog.projects.list({ limit: 10 });
    await Promise.all(Array.from({ length: 5 }, list));
    await postgres.query("alter table projects add column later text", url);
    const listed = await eventually(list);
    expect(listed.items.map(({ name }) => name)).toEqual(["default"]);
    await catalog.projects.create({ name: "shop", description: "" });
  });

  test("n processes that start at once on a new database bring it up to date once", async () => {
    const url = await postgres.newDatabase();
    const catalogs = await Promise.all(Array.from({ length: 4 }, () => postgres.open({ url })));
    for (const catalog of catalogs) expect(await catalog.projects.get("default")).toBeDefined();
    const migrated = await postgres.query<{ name: string }>("select name from kysely_migration", url);
    expect(new Set(migrated.map(({ name }) => name)).size).toBe(migrated.length);
  });
});
