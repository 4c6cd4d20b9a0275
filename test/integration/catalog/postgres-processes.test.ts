import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import { minute, type Scene } from "../../../src/catalog/contract/scene.contract.ts";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import { topics } from "../../../src/events/topics.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { LeaseRecovery } from "../../../src/recovery/lease-recovery.ts";
import { OutboxPublisher } from "../../../src/recovery/outbox-publisher.ts";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { eventually } from "../../support/eventually.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";
import { openScenes } from "../../support/postgres-scenes.ts";

const postgres = postgresForFile();

function openBus() {
  const bus = openSqliteBus({ clock: systemClock, log: silentLog, partitions: 1 });
  onTestFinished(() => bus.close());
  return bus;
}

/** A router's process that has read `events` as the first of partition 0 and has not routed them yet. */
async function startLateRouter(scene: Scene, events: readonly CloudEvent[], signal?: "SIGKILL" | "SIGSTOP") {
  const given = { url: postgres.sharedUrl(), now: scene.clock.now(), events, signal };
  const program = fileURLToPath(new URL("late-router.ts", import.meta.url));
  const router = spawn(process.execPath, [program, JSON.stringify(given)], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void router.kill("SIGKILL"));
  expect(await nextWords(router)).toBe("read\n");
  return router;
}

async function nextWords(router: ChildProcess): Promise<string> {
  const [words] = (await once(router.stdout as NonNullable<typeof router.stdout>, "data")) as [Buffer];
  return words.toString();
}

test("D2: a router that was stopped while its partition went to another decides nothing when it wakes", async () => {
  const [scene] = await openScenes(postgres, 1);
  await scene.deploy();
  const events = Array.from({ length: 20 }, () => scene.event());
  const late = await startLateRouter(scene, events.slice(0, 10));
  late.kill("SIGSTOP");
  late.stdin?.write("route\n");
  const incoming = events.map((event, offset) => scene.incoming(event, { partition: 0, offset }));
  await scene.routeBatch(scene.batch(incoming.slice(0, 5)));
  await scene.routeBatch(scene.batch(incoming.slice(5)));
  const answer = nextWords(late);
  late.kill("SIGCONT");
  expect(JSON.parse(await answer)).toMatchObject({ matched: 0, duplicate: 0, executions: 0 });
  expect(await scene.catalog.executions.count({})).toBe(20);
  expect(await scene.catalog.routing.positions()).toMatchObject([{ partition: 0, offset: 20 }]);
  expect(await scene.catalog.ledger.totals()).toMatchObject([{ toOffset: 20, matched: 20, duplicate: 0 }]);
});

test("D2: two routers that both hold the records of a partition that moves decide each once, and positions only grow", async () => {
  const [scene, ...others] = await openScenes(postgres, 3);
  await scene.deploy();
  const incoming = Array.from({ length: 60 }, (_, offset) => scene.incoming(scene.event(), { partition: 0, offset }));
  const seen: number[] = [];
  const watch = async () => seen.push((await scene.catalog.routing.positions())[0]?.offset ?? 0);
  // Each goes on from where it was, in batches that overlap the other's.
  const route = async (router: Scene, size: number) => {
    for (let from = 0; from < incoming.length; from += size) {
      await router.routeBatch(router.batch(incoming.slice(from, from + size)));
      await watch();
    }
  };
  await Promise.all(others.map((router, index) => route(router, 4 + index * 3)));
  expect(await scene.catalog.executions.count({})).toBe(60);
  expect(await scene.catalog.ledger.totals()).toMatchObject([{ toOffset: 60, matched: 60, duplicate: 0 }]);
  expect((await scene.catalog.routing.positions())[0]?.offset).toBe(60);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
});

test("D2: of a router that is killed between its decisions and their commit nothing is left, and the next one goes on", async () => {
  const [scene] = await openScenes(postgres, 1);
  await scene.deploy();
  const events = Array.from({ length: 5 }, () => scene.event());
  const dying = await startLateRouter(scene, events, "SIGKILL");
  const died = once(dying, "exit");
  dying.stdin?.write("route\n");
  expect(await died).toEqual([null, "SIGKILL"]);
  expect(await scene.catalog.routing.positions()).toEqual([]);
  expect(await scene.route(...events)).toMatchObject({ matched: 5, executions: 5 });
});

test("D2: a router goes by the links that another process has just changed", async () => {
  const [scene, router] = await openScenes(postgres, 2);
  for (let n = 0; n < 5; n += 1) {
    await scene.deploy(`s${n}`, { trigger_events: ["order.placed"] });
    expect(await router?.route(router.event())).toMatchObject({ executions: n + 1 });
  }
  await scene.catalog.services.delete("default", "s0");
  expect(await router?.route(router.event())).toMatchObject({ executions: 4 });
});

test("D1: publishers of several processes send each event once, and pass over what another has in hand", async () => {
  const scenes = await openScenes(postgres, 4);
  const [scene] = scenes;
  for (let n = 0; n < 40; n += 1) await scene.deploy(`s${n}`);
  const inHand = Promise.withResolvers<void>();
  const held: string[] = [];
  const refusing = scene.catalog.outbox.send(10, async (entries) => {
    held.push(...entries.map(({ event }) => event.id));
    await inHand.promise;
  });
  await eventually(() => expect(held).toHaveLength(10));
  const bus = openBus();
  const [{ next: before } = { next: 0 }] = await bus.offsets(topics.platform);
  const publishers = scenes.map(
    ({ catalog }) =>
      new OutboxPublisher({ bus, outbox: catalog.outbox, clock: systemClock, log: silentLog, pollMs: 20 }),
  );
  for (const publisher of publishers) publisher.start();
  const sent = async () => {
    const records = await bus.peek(topics.platform, 0, before, 1000);
    return records.map(({ value }) => (JSON.parse(Buffer.from(value).toString()) as CloudEvent).id);
  };
  await eventually(async () => expect(await sent()).toHaveLength(30));
  expect((await sent()).filter((id) => held.includes(id))).toEqual([]);
  // Its bus did not take them: they are anybody's again.
  inHand.reject(new PlatformError("unavailable", "no bus"));
  await expect(refusing).rejects.toMatchObject({ message: "no bus" });
  await eventually(async () => expect(await scene.catalog.outbox.peek(1)).toEqual([]));
  await Promise.all(publishers.map((publisher) => publisher.stop()));
  const all = await sent();
  expect(all).toHaveLength(40);
  expect(new Set(all).size).toBe(40);
});

test("D18: schedulers of several processes make one run of each time", async () => {
  const scenes = await openScenes(postgres, 3);
  const [scene] = scenes;
  const { clock, ids } = scene;
  for (const name of ["a", "b"])
    await scene.deploy(name, { schedule: "* * * * *", catch_up: "all", trigger_events: [] });
  clock.advance(10 * minute);
  const bus = openBus();
  const catchUp = { toleranceMs: minute, runs: 1000 };
  const schedulers = scenes.map(
    ({ catalog }) => new Scheduler({ bus, catalog, clock, ids, log: silentLog, pollMs: 1000, catchUp }),
  );
  for (const scheduler of schedulers) scheduler.start();
  await eventually(async () => {
    clock.advance(100);
    return (await scene.catalog.executions.count({ trigger: "schedule" })) >= 20;
  });
  await Promise.all(schedulers.map((scheduler) => scheduler.stop()));
  const { items } = await scene.catalog.executions.list({ trigger: "schedule" }, { limit: 100 });
  expect(new Set(items.map(({ eventId }) => eventId)).size).toBe(items.length);
  const fired = (await scene.sent()).filter(({ type }) => type === "fx.schedule.fired");
  expect(fired).toHaveLength(items.length);
});

test("D7: lease recoveries of several processes end each lost attempt once", async () => {
  const scenes = await openScenes(postgres, 3);
  const [scene] = scenes;
  const { clock } = scene;
  await scene.deploy();
  await scene.route(...Array.from({ length: 30 }, () => scene.event()));
  expect(await scene.claim({ limit: 30 })).toHaveLength(30);
  clock.advance(minute);
  const bus = openBus();
  const recoveries = scenes.map(
    ({ catalog }) => new LeaseRecovery({ bus, leases: catalog.leases, clock: systemClock, log: silentLog, pollMs: 20 }),
  );
  for (const recovery of recoveries) recovery.start();
  await eventually(async () => (await scene.catalog.executions.count({ status: ["pending"] })) === 30);
  await Promise.all(recoveries.map((recovery) => recovery.stop()));
  const { items } = await scene.catalog.executions.list({}, { limit: 100 });
  expect(items.map(({ losses }) => losses)).toEqual(items.map(() => 1));
});

test("D13: of several keepers one prunes at a time, and of one that is gone the next takes over", async () => {
  const [scene, other] = await openScenes(postgres, 2);
  const first = scene.catalog.retention;
  const second = (other as Scene).catalog.retention;
  let ran = 0;
  const work = async () => {
    ran += 1;
  };
  expect(
    await first.alone(async () => {
      expect(await second.alone(work)).toBe(false);
    }),
  ).toBe(true);
  expect(await second.alone(work)).toBe(true);
  const failing = first.alone(() => Promise.reject(new Error("no disk")));
  await expect(failing).rejects.toThrow("no disk");
  expect(await second.alone(work)).toBe(true);
  const began = Promise.withResolvers<void>();
  void first.alone(() => {
    began.resolve();
    return new Promise(() => {});
  });
  await began.promise;
  expect(await second.alone(work)).toBe(false);
  await scene.catalog.close();
  await eventually(async () => expect(await second.alone(work)).toBe(true));
  expect(ran).toBe(3);
});
