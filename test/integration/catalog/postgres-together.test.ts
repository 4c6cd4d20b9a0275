import { expect, test } from "vitest";
import type { Catalog } from "../../../src/catalog/catalog.ts";
import { exitError, held, paidLink, type Scene } from "../../../src/catalog/contract/scene.contract.ts";
import type { ClaimedExecution } from "../../../src/catalog/leases.ts";
import { eventKeyOf } from "../../../src/events/event-key.ts";
import { lanes } from "../../../src/executions/lanes.ts";
import type { EventKey, InstanceId } from "../../../src/foundation/ids.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";
import { openScenes } from "../../support/postgres-scenes.ts";

const postgres = postgresForFile();

/** Claims until nothing is left, with `work` for what each claim got. */
async function claimAll(
  catalog: Catalog,
  owner: string,
  limit: number,
  work: (claimed: ClaimedExecution[]) => Promise<void>,
): Promise<void> {
  for (;;) {
    const claimed = await catalog.leases.claim({ owner: owner as InstanceId, lanes, limit, leaseMs: 60_000 });
    await work(claimed);
    if (claimed.length === 0 && (await catalog.executions.count({ status: ["pending", "in_progress"] })) === 0) return;
  }
}

function finishAll(catalog: Catalog, claimed: readonly ClaimedExecution[]) {
  const reports = claimed.map((one) => ({ ...held(one), steps: [], outcome: { kind: "completed" } as const }));
  return catalog.leases.finish(reports);
}

test("D4: of hundreds of executions, workers of several processes never get one twice, and none is left", async () => {
  const scenes = await openScenes(postgres, 3);
  const [scene] = scenes;
  for (let n = 0; n < 6; n += 1) await scene.deploy(`s${n}`, { trigger_events: [`t${n % 3}`], priority: 1 + n });
  const events = Array.from({ length: 150 }, (_, n) => scene.event({ type: `t${n % 3}` }));
  const route = async () => {
    for (let from = 0; from < events.length; from += 10) await scene.route(...events.slice(from, from + 10));
  };
  const claims: string[] = [];
  const applied: boolean[] = [];
  const work = () =>
    scenes.flatMap(({ catalog }, index) =>
      [1, 4, 9].map((limit) =>
        claimAll(catalog, `worker-${index}-${limit}`, limit, async (claimed) => {
          claims.push(...claimed.map(({ execution }) => execution.id));
          applied.push(...(await finishAll(catalog, claimed)).map((answer) => answer.applied));
        }),
      ),
    );
  await Promise.all([route(), ...work()]);
  await Promise.all(work());
  expect(claims).toHaveLength(300);
  expect(new Set(claims).size).toBe(300);
  expect(applied).toEqual(claims.map(() => true));
});

test("limits of a service hold across processes, in all lanes together", async () => {
  const scenes = await openScenes(postgres, 3);
  const [scene] = scenes;
  await scene.deploy("limited", { trigger_events: ["limited"], concurrency: 3 });
  await scene.deploy("free", { trigger_events: ["free"] });
  await scene.deploy("throttled", { trigger_events: ["throttled"], throttle: { limit: 7, period: 3600 } });
  const types = ["limited", "free", "throttled"];
  await scene.route(...Array.from({ length: 60 }, (_, n) => scene.event({ type: types[n % 3] as string })));
  const { items } = await scene.catalog.executions.list({ service: "default/limited" }, { limit: 100 });
  for (const { id } of items.slice(0, 10)) await scene.catalog.executions.move(id, "high");
  let most = 0;
  let throttled = 0;
  const worker = async ({ catalog }: Scene, limit: number) => {
    for (let idle = 0; idle < 20; idle += 1) {
      const claimed = await catalog.leases.claim({ owner: "w" as InstanceId, lanes, limit, leaseMs: 60_000 });
      const running = await catalog.executions.count({ service: "default/limited", status: ["in_progress"] });
      most = Math.max(most, running);
      throttled += claimed.filter(({ execution }) => execution.service === "throttled").length;
      if (claimed.length > 0) idle = 0;
      await finishAll(catalog, claimed);
    }
  };
  await Promise.all(scenes.flatMap((scene) => [worker(scene, 2), worker(scene, 5)]));
  expect(await scene.catalog.executions.count({ service: "default/limited", status: ["completed"] })).toBe(20);
  expect(await scene.catalog.executions.count({ service: "default/free", status: ["completed"] })).toBe(20);
  expect(most).toBeLessThanOrEqual(3);
  expect(throttled).toBe(7);
});

test("D5: of a concurrency key one runs at a time, in the order of routing, whoever claims and routes", async () => {
  const scenes = await openScenes(postgres, 3);
  const [scene] = scenes;
  await scene.deploy("keyed", { trigger_events: ["keyed"], concurrency_key: "event.subject" });
  const order = new Map<string, string[]>();
  const running = new Set<string>();
  const overlaps: string[] = [];
  const route = async () => {
    for (let n = 0; n < 20; n += 1) await scene.route(...["a", "b", "c"].map((subject) => keyed(scene, subject)));
  };
  const work = ({ catalog }: Scene, index: number) =>
    claimAll(catalog, `w${index}`, 4, async (claimed) => {
      for (const { execution } of claimed) {
        const key = execution.concurrencyKey ?? "";
        if (running.has(key)) overlaps.push(key);
        running.add(key);
        order.set(key, [...(order.get(key) ?? []), execution.id]);
      }
      for (const { execution } of claimed) running.delete(execution.concurrencyKey ?? "");
      await finishAll(catalog, claimed);
    });
  await scene.route(keyed(scene, "a"));
  await Promise.all([route(), ...scenes.map(work)]);
  await Promise.all(scenes.map(work));
  expect(overlaps).toEqual([]);
  for (const key of ["a", "b", "c"]) {
    const { items } = await scene.catalog.executions.list({ service: "default/keyed" }, { limit: 100 });
    const ofKey = items.filter(({ concurrencyKey }) => concurrencyKey === key).map(({ id }) => id);
    expect(order.get(key)).toEqual(ofKey.reverse());
  }
});

function keyed(scene: Scene, subject: string) {
  return scene.event({ type: "keyed", subject });
}

test("D2: routers that are given the same records at once decide and count each once", async () => {
  const scenes = await openScenes(postgres, 3);
  const [scene] = scenes;
  await scene.deploy();
  for (let n = 0; n < 15; n += 1) {
    const events = Array.from({ length: 8 }, () => scene.incoming(scene.event()));
    await Promise.all(scenes.map((each) => each.routeBatch(each.batch(events))));
  }
  expect(await scene.catalog.executions.count({})).toBe(120);
  expect(await scene.catalog.ledger.totals()).toMatchObject([
    { fromOffset: 0, toOffset: 120, matched: 120, duplicate: 0 },
  ]);
});

test("D2: routers of different partitions decide an event that came on both once", async () => {
  const scenes = await openScenes(postgres, 2);
  const [scene] = scenes;
  await scene.deploy();
  const rounds = 6;
  for (let n = 0; n < rounds; n += 1) {
    const events = Array.from({ length: 4 }, () => scene.event());
    const batches = scenes.map((each, partition) => {
      const ordered = partition === 0 ? events : [...events].reverse();
      return each.batch(ordered.map((event, index) => each.incoming(event, { partition, offset: n * 4 + index })));
    });
    await Promise.all(scenes.map((each, index) => each.routeBatch(batches[index] as (typeof batches)[number])));
  }
  expect(await scene.catalog.executions.count({})).toBe(rounds * 4);
  const totals = await scene.catalog.ledger.totals();
  expect(totals.reduce((sum, { matched }) => sum + matched, 0)).toBe(rounds * 4);
  expect(totals.reduce((sum, { duplicate }) => sum + duplicate, 0)).toBe(rounds * 4);
});

test("an event that is routed while its service is deleted starts a run before that, or none", async () => {
  const scenes = await openScenes(postgres, 3);
  const [scene, ...routers] = scenes;
  for (let round = 0; round < 15; round += 1) {
    await scene.deploy();
    const routed = routers.map((router, partition) =>
      router.routeBatch(router.batch([router.incoming(router.event(), { partition, offset: round })])),
    );
    await Promise.all([...routed, scene.catalog.services.delete("default", "hello")]);
    expect(await scene.catalog.executions.count({ status: ["pending"] })).toBe(0);
  }
});

test("a queue has no more than its limit, though several routers fill it", async () => {
  const scenes = await openScenes(postgres, 4);
  const [scene] = scenes;
  await scene.deploy("hello", { queue: { limit: 10, policy: "reject" } });
  const routed = scenes.map(async (router, partition) => {
    for (let n = 0; n < 5; n += 1) {
      const events = Array.from({ length: 4 }, (_, index) => ({ partition, offset: n * 4 + index }));
      await router.routeBatch(router.batch(events.map((place) => router.incoming(router.event(), place))));
    }
  });
  await Promise.all(routed);
  expect(await scene.catalog.executions.count({ status: ["pending"] })).toBe(10);
  expect(await scene.catalog.executions.count({ status: ["skipped"] })).toBe(70);
});

test("a tail of the ledger misses nothing that routers write at once", async () => {
  const scenes = await openScenes(postgres, 4);
  const [reader, ...routers] = scenes;
  let routing = true;
  const keys = new Set<EventKey>();
  const routed = routers.map(async (router, partition) => {
    for (let offset = 0; offset < 40; offset += 1) {
      const event = router.event();
      keys.add(eventKeyOf(event));
      await router.routeBatch(router.batch([router.incoming(event, { partition, offset })]));
    }
  });
  const done = Promise.all(routed).finally(() => {
    routing = false;
  });
  const seen: EventKey[] = [];
  let seq = 0;
  for (let last = false; !last; ) {
    last = !routing;
    const entries = await reader.catalog.ledger.since(seq, {}, 1000);
    seen.push(...entries.map(({ key }) => key));
    seq = entries.at(-1)?.seq ?? seq;
  }
  await done;
  expect(seen).toHaveLength(120);
  expect(new Set(seen)).toEqual(keys);
});

test("what several ask for at once under one name is made once", async () => {
  const scenes = await openScenes(postgres, 4);
  const [scene] = scenes;
  const deploys = await Promise.all(scenes.map((each) => each.deploy()));
  expect(deploys.filter(({ created }) => created)).toHaveLength(1);
  const event = scene.event();
  const requests = await Promise.all(scenes.map(({ catalog }) => catalog.runRequests.request(scene.runRequest(event))));
  expect(new Set(requests.map(({ executionId }) => executionId)).size).toBe(1);
  expect(requests.filter(({ created }) => created)).toHaveLength(1);
  const claimed = await scene.claimOne();
  await scene.finish(claimed, { kind: "failed", error: exitError, retryInMs: undefined });
  const newId = scene.newExecutionId();
  const { id } = claimed.execution;
  const retries = await Promise.all(
    scenes.map(({ catalog }) => catalog.executions.retry(id, { newId, version: "same" })),
  );
  expect(new Set(retries.map((retry) => retry.id))).toEqual(new Set([newId]));
  const links = await Promise.all(scenes.map(({ catalog }) => catalog.links.create(paidLink)));
  expect(links.filter(({ created }) => created)).toHaveLength(1);
});
