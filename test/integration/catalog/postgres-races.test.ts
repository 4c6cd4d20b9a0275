import { expect, test } from "vitest";
import { day, exitError, held, type Scene } from "../../../src/catalog/contract/scene.contract.ts";
import { isPlatformError } from "../../../src/foundation/errors.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";
import { openScenes } from "../../support/postgres-scenes.ts";

const postgres = postgresForFile();

function allOf(scene: Scene, status: "completed" | "pending" | "in_progress") {
  return scene.catalog.executions.count({ status: [status] });
}

/** Runs what can be claimed, one at a time, until nothing is left or nothing can be claimed any more. */
async function work(scene: Scene): Promise<void> {
  for (let idle = 0; idle < 50; idle += 1) {
    const claimed = await scene.claim({ limit: 1 });
    for (const one of claimed) await scene.finish(one, { kind: "completed" });
    if (claimed.length > 0) idle = 0;
    else if ((await allOf(scene, "pending")) + (await allOf(scene, "in_progress")) === 0) return;
  }
}

test("a place that becomes free is taken, however claims and ends meet", async () => {
  const scenes = await openScenes(postgres, 4);
  const [scene] = scenes;
  await scene.deploy("hello", { concurrency: 1 });
  await scene.route(...Array.from({ length: 150 }, () => scene.event()));
  await Promise.all(scenes.map(work));
  expect(await allOf(scene, "completed")).toBe(150);
});

test("D5: of a key that several routers add to while its runs end one is always its head, and only one", async () => {
  const scenes = await openScenes(postgres, 4);
  const [scene, ...routers] = scenes;
  await scene.deploy("keyed", { trigger_events: ["keyed"], concurrency_key: "event.subject" });
  const keyed = () => scene.event({ type: "keyed", subject: "a" });
  for (let round = 0; round < 20; round += 1) {
    const routed = routers.map((router, partition) =>
      router.routeBatch(router.batch([router.incoming(keyed(), { partition, offset: round })])),
    );
    await Promise.all([...routed, scene.claim().then((claimed) => finishAll(scene, claimed))]);
    const heads = await scene.claim();
    expect(heads.length).toBeLessThanOrEqual(1);
    await finishAll(scene, heads);
  }
  await work(scene);
  expect(await allOf(scene, "completed")).toBe(60);
});

function finishAll({ catalog }: Scene, claimed: Awaited<ReturnType<Scene["claim"]>>) {
  const reports = claimed.map((one) => ({ ...held(one), steps: [], outcome: { kind: "completed" } as const }));
  return catalog.leases.finish(reports);
}

test("D13: an event that comes again while it is forgotten is decided anew with its data, or is known", async () => {
  const [scene, keeper, router] = (await openScenes(postgres, 3)) as [Scene, Scene, Scene];
  await scene.deploy();
  const ages = { ledgerMs: day, bodiesMs: 10 * day, executionsMs: 2 * day };
  const events = Array.from({ length: 20 }, () => scene.event({ data: { n: 1 } }));
  for (let round = 0; round < 12; round += 1) {
    await scene.route(...events);
    await finishAll(scene, await scene.claim({ limit: 50 }));
    scene.clock.advance(1.5 * day);
    while ((await keeper.catalog.retention.prune(ages, 100)) > 0);
    scene.clock.advance(day);
    const batch = router.batch(
      events.map((event, index) => router.incoming(event, { partition: 1, offset: round * 20 + index })),
    );
    await Promise.all([keeper.catalog.retention.prune(ages, 100), router.routeBatch(batch)]);
    const claimed = await scene.claim({ limit: 50 });
    for (const { body } of claimed) expect(JSON.parse(Buffer.from(body).toString())).toMatchObject({ data: { n: 1 } });
    await finishAll(scene, claimed);
    scene.clock.advance(5 * day);
    while ((await keeper.catalog.retention.prune(ages, 100)) > 0);
  }
});

test("D13: a run that is retried while its event loses its data is refused, or has it", async () => {
  const [scene, keeper, person] = (await openScenes(postgres, 3)) as [Scene, Scene, Scene];
  await scene.deploy();
  const ages = { ledgerMs: 30 * day, bodiesMs: day, executionsMs: 30 * day };
  let retried = 0;
  for (let round = 0; round < 20; round += 1) {
    const { id } = await scene.start({ data: { n: 1 } });
    await scene.finish(await scene.claimOne(), { kind: "failed", error: exitError, retryInMs: undefined });
    scene.clock.advance(2 * day);
    const retry = person.catalog.executions.retry(id, { newId: person.newExecutionId(), version: "same" });
    const [outcome] = await Promise.allSettled([retry, keeper.catalog.retention.prune(ages, 100)]);
    if (outcome.status === "rejected") {
      expect(isPlatformError(outcome.reason, "conflict")).toBe(true);
      continue;
    }
    retried += 1;
    const { body, execution } = await scene.claimOne();
    expect(execution.retryOf).toBe(id);
    expect(JSON.parse(Buffer.from(body).toString())).toMatchObject({ data: { n: 1 } });
    await finishAll(scene, [{ body, execution }]);
  }
  expect(retried).toBeGreaterThan(0);
});

test("a run whose pause is over is claimed, however many claims find that at once", async () => {
  const scenes = await openScenes(postgres, 4);
  const [scene] = scenes;
  await scene.deploy();
  await scene.route(scene.event());
  for (let round = 0; round < 40; round += 1) {
    const claimed = await scene.claimOne();
    await scene.finish(claimed, { kind: "failed", error: exitError, retryInMs: 1000 });
    scene.clock.advance(1000);
    const claims = await Promise.all(scenes.map((each) => each.claim({ limit: 5 })));
    const [again] = [...claims.flat(), ...(await scene.claim())];
    expect(again?.execution).toMatchObject({ id: claimed.execution.id, attempt: 2 * (round + 1) });
    if (again) await scene.finish(again, { kind: "failed", error: exitError, retryInMs: 0 });
  }
});
