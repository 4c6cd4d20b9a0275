import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { silentLog } from "../../foundation/log.ts";
import type { Catalog } from "../catalog.ts";
import { tablesOfTheBus } from "../contents.ts";
import { openSqliteCatalog } from "../sqlite.ts";
import { exitError, held, minute, type Scene, step } from "./scene.contract.ts";

const rows = (filled: readonly { table: string; rows: number }[]) =>
  Object.fromEntries(filled.map(({ table, rows }) => [table, rows]));

/** Everything a catalog may hold, and work in every state. */
async function lived(scene: Scene): Promise<void> {
  const { catalog, clock } = scene;
  await catalog.projects.create({ name: "shop", description: "Grüße\u0000" });
  await catalog.webhooks.create({ name: "door", project: "shop", tokenHash: "hash" });
  await catalog.adapterMarks.update("watch", { set: new Map([["/in/a", "1"]]), forget: [] });
  await scene.deploy("hello", { schedule: "0 3 * * *", throttle: { limit: 50, period: 60 } });
  await scene.deploy("second", { trigger_events: ["order.paid"] }, { project: "shop" });
  await catalog.mappings.create({
    ...{ name: "bills", project: undefined, fromType: "order.placed", toType: "bill.due", filter: undefined },
    ...{ strategy: "all", fields: [], active: true },
  });
  await catalog.alerts.rules.create({
    ...{ name: "red", project: undefined, description: undefined, severity: "warning", active: true },
    condition: { kind: "silence", type: "order.placed", for: 60 },
  });
  await scene.route(scene.event({ type: "poison" }), scene.event({ type: "unknown" }));
  await scene.start({ data: { n: 1 } });
  await scene.finish(await scene.claimOne(), { kind: "completed" }, [
    step(1, "completed", { output: { preview: "a\u0000b", sizeBytes: 3, truncated: false } }),
  ]);
  await scene.start();
  await scene.finish(await scene.claimOne(), { kind: "failed", error: exitError, retryInMs: 5 * minute });
  await scene.start();
  await catalog.jobs.put(held(await scene.claimOne()), clock.now() + minute);
  await scene.route(...Array.from({ length: 300 }, () => scene.event()));
}

export function contentsContract(start: () => Promise<Scene>): void {
  /** A catalog beside, on the embedded database. */
  const beside = async (scene: Scene) => {
    const database = new DatabaseSync(":memory:");
    onTestFinished(() => database.close());
    const { clock, ids } = scene;
    const catalog = await openSqliteCatalog({ database, clock, ids, log: silentLog });
    onTestFinished(() => catalog.close());
    return scene.over(catalog);
  };
  const everything = async (catalog: Catalog) => [
    (await catalog.executions.list({}, { limit: 1000 })).items,
    (await catalog.ledger.list({}, { limit: 1000 })).items,
    (await catalog.services.list({}, { limit: 10 })).items,
    (await catalog.mappings.list({}, { limit: 10 })).items,
    (await catalog.alerts.rules.list({}, { limit: 10 })).items,
    await catalog.links.snapshot(),
    await catalog.outbox.peek(1000),
    await catalog.ledger.totals(),
  ];

  test("a catalog takes over what another one holds, and both answer the same and go on the same", async () => {
    const scene = await start();
    const source = await beside(scene);
    await lived(source);
    const { contents } = scene.catalog;
    const told: string[] = [];
    const filled = await contents.fill(source.catalog.contents, { onRows: (table, n) => told.push(`${table} ${n}`) });
    expect(rows(filled)).toEqual({ settings: 2, projects: 2, ...rows(await countsOf(source)) });
    expect(told).toContain("executions 128");
    expect(await contents.equals(source.catalog.contents)).toBe(true);
    const [executions, ...rest] = await everything(scene.catalog);
    expect([executions, ...rest]).toEqual(await everything(source.catalog));
    const target = source.over(scene.catalog);
    const seq = await target.catalog.ledger.latestSeq();
    const { id } = await target.start();
    expect(await target.catalog.ledger.latestSeq()).toBe(seq + 1);
    expect(await target.claim({ limit: 1000 })).toHaveLength(50 - 3);
    scene.clock.advance(2 * minute);
    expect((await target.catalog.jobs.due(scene.clock.now(), 10)).map(({ event }) => event.type)).toHaveLength(1);
    expect(await target.status(id)).toBe("pending");
    expect(await contents.equals(source.catalog.contents)).toBe(false);
  });

  test("what it holds is taken over by another one", async () => {
    const scene = await start();
    await lived(scene);
    const target = await beside(scene);
    await target.catalog.contents.fill(scene.catalog.contents);
    expect(await target.catalog.contents.equals(scene.catalog.contents)).toBe(true);
    expect(await everything(target.catalog)).toEqual(await everything(scene.catalog));
  });

  test("D13: what is true of one backbone only stays behind, and the offsets of another are counted from the first", async () => {
    const scene = await start();
    const source = await beside(scene);
    await lived(source);
    await scene.catalog.contents.fill(source.catalog.contents, { without: tablesOfTheBus });
    expect(await scene.catalog.routing.positions()).toEqual([]);
    expect(await scene.catalog.contents.equals(source.catalog.contents, tablesOfTheBus)).toBe(true);
    await scene.route(scene.event());
    expect(await scene.catalog.ledger.totals()).toMatchObject([{ fromOffset: 0, toOffset: 1, matched: 1 }]);
  });

  test("numbers that were given out are not given again, also where their rows are gone", async () => {
    const scene = await start();
    const source = await beside(scene);
    await lived(source);
    const before = (await source.catalog.contents.numbers()).get("outbox") ?? 0;
    await source.sent();
    await scene.catalog.contents.fill(source.catalog.contents);
    expect(await scene.catalog.contents.numbers()).toEqual(await source.catalog.contents.numbers());
    await source.over(scene.catalog).claim({ limit: 1 });
    expect((await scene.catalog.outbox.peek(1))[0]?.id).toBe(before + 1);
  });

  test("one that holds anything takes nothing over, and says what it holds", async () => {
    const scene = await start();
    const source = await beside(scene);
    await lived(source);
    await scene.deploy("mine");
    await expect(scene.catalog.contents.fill(source.catalog.contents)).rejects.toMatchObject({
      code: "conflict",
      message: "the catalog is not empty: it holds services (1), versions (1), links (1), outbox (1)",
    });
    expect((await scene.catalog.services.list({}, { limit: 10 })).items).toHaveLength(1);
  });

  test("when the other fails half-way nothing was taken over, and a second try takes all", async () => {
    const scene = await start();
    const source = await beside(scene);
    await lived(source);
    const { contents } = source.catalog;
    const broken = {
      ...contents,
      async *pages(table: string) {
        if (table === "flows") throw new Error("the disk is gone");
        yield* contents.pages(table);
      },
    };
    await expect(scene.catalog.contents.fill(broken)).rejects.toThrow("the disk is gone");
    expect([...(await scene.catalog.contents.counts())]).toEqual([]);
    expect(await scene.catalog.projects.get("default")).toBeDefined();
    await scene.catalog.contents.fill(contents);
    expect(await scene.catalog.contents.equals(contents)).toBe(true);
  });
}

async function countsOf({ catalog }: Scene): Promise<{ table: string; rows: number }[]> {
  const counts = [...(await catalog.contents.counts())].filter(([table]) => table !== "projects");
  return counts.map(([table, rows]) => ({ table, rows }));
}
