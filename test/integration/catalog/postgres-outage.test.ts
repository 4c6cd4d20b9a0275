import { expect, test } from "vitest";
import { held, Scene } from "../../../src/catalog/contract/scene.contract.ts";
import type { CatalogChange } from "../../../src/catalog/news.ts";
import { lanes } from "../../../src/executions/lanes.ts";
import { isPlatformError } from "../../../src/foundation/errors.ts";
import { createIds, type InstanceId } from "../../../src/foundation/ids.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { eventually } from "../../support/eventually.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";

const postgres = postgresForFile();

async function openScene(): Promise<Scene> {
  const clock = new ManualClock();
  const ids = createIds(clock, systemRandom);
  return new Scene(
    await postgres.open({ url: await postgres.emptyCatalog(), ids, now: () => clock.now() }),
    clock,
    ids,
  );
}

test("a server that is gone makes every call unavailable, for now; back again, the same catalog works and hears", async () => {
  const scene = await openScene();
  const { catalog } = scene;
  await scene.deploy();
  await postgres.server.crash();
  const down = [
    catalog.projects.get("default"),
    catalog.projects.create({ name: "late", description: "" }),
    scene.claim(),
    scene.route(scene.event()),
    catalog.outbox.peek(1),
  ];
  for (const call of down) await expect(call).rejects.toMatchObject({ code: "unavailable", retryable: true });
  await postgres.server.restart();
  const heard: CatalogChange[] = [];
  catalog.news?.onChange((change) => heard.push(change));
  await eventually(() => catalog.projects.create({ name: "late", description: "" }));
  // What may have been missed is told first.
  await eventually(() => expect(heard).toEqual(expect.arrayContaining(["links", "dispatch"])));
  heard.length = 0;
  await scene.route(scene.event());
  await eventually(() => expect(heard).toContain("dispatch"));
});

test("a server that may only be read says so to who asks whether the catalog works", async () => {
  const url = await postgres.emptyCatalog();
  const catalog = await postgres.open({ url });
  const setReadOnly = async (isReadOnly: "on" | "off") => {
    const name = new URL(url).pathname.slice(1);
    await postgres.query(`alter database "${name}" set default_transaction_read_only = ${isReadOnly}`);
    // A connection keeps what it began with.
    await postgres.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
  };
  await catalog.check();
  await setReadOnly("on");
  const refused = { code: "unavailable", retryable: true, message: expect.stringContaining("read-only") };
  await eventually(() => expect(catalog.check()).rejects.toMatchObject(refused));
  expect(await catalog.projects.get("default")).toBeDefined();
  await setReadOnly("off");
  await eventually(() => catalog.check().then(() => true));
});

test("a server that is killed amid the work costs errors that pass, and no execution is lost or doubled", async () => {
  const scene = await openScene();
  const { catalog } = scene;
  await scene.deploy();
  const count = 200;
  await scene.route(...Array.from({ length: count }, () => scene.event()));
  const applied = new Map<string, number>();
  const foreign: unknown[] = [];
  let failures = 0;
  /** Until it succeeds, as the platform's loops do. */
  const insist = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        failures += 1;
        if (!isPlatformError(error, "unavailable") || !error.retryable) foreign.push(error);
        await eventually(async () => (await catalog.projects.get("default").catch(() => undefined)) !== undefined);
      }
    }
  };
  const worker = async (owner: string) => {
    for (;;) {
      const request = { owner: owner as InstanceId, lanes, limit: 3, leaseMs: 60_000 };
      const claimed = await insist(() => catalog.leases.claim(request));
      if (claimed.length === 0) return;
      const reports = claimed.map((one) => ({ ...held(one), steps: [], outcome: { kind: "completed" } as const }));
      for (const { id, applied: wasApplied } of await insist(() => catalog.leases.finish(reports))) {
        if (wasApplied) applied.set(id, (applied.get(id) ?? 0) + 1);
      }
    }
  };
  const workers = Promise.all(["w1", "w2", "w3"].map(worker));
  await eventually(() => applied.size > 20);
  await postgres.server.crash();
  await postgres.server.restart();
  await workers;
  // Claims whose answers were lost are found by their leases.
  scene.clock.advance(60_001);
  while ((await catalog.leases.expire(100)).length > 0);
  scene.clock.advance(3_600_000);
  await worker("w4");
  expect(failures).toBeGreaterThan(0);
  expect(foreign).toEqual([]);
  expect(await catalog.executions.count({ status: ["completed"] })).toBe(count);
  expect([...applied.values()].every((times) => times === 1)).toBe(true);
});
