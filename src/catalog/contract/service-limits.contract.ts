import { expect, test } from "vitest";
import type { ReplayId } from "../../foundation/ids.ts";
import type { Json } from "../../foundation/json.ts";
import type { ClaimedExecution } from "../leases.ts";
import { exitError, failedForGood, held, type Scene } from "./scene.contract.ts";

const opened = (start: () => Promise<Scene>) => async (manifest: Record<string, Json>, runs: number) => {
  const scene = await start();
  await scene.deploy("limited", manifest);
  await scene.route(...Array.from({ length: runs }, () => scene.event()));
  await scene.sent();
  return scene;
};

const first = ([claimed]: readonly ClaimedExecution[]): ClaimedExecution => {
  if (claimed === undefined) throw new Error("nothing was claimed");
  return claimed;
};

export function serviceLimitContract(start: () => Promise<Scene>): void {
  const limited = opened(start);

  test("D4: of a service with concurrency no more are leased than that, by however many claims", async () => {
    const scene = await limited({ concurrency: 3 }, 10);
    const claims = await Promise.all(Array.from({ length: 5 }, () => scene.claim({ limit: 2 })));
    expect(claims.flat()).toHaveLength(3);
    expect(await scene.claim()).toEqual([]);
    expect(await scene.catalog.leases.nextDue()).toBeUndefined();
  });

  test("D4: each way in which a run ends makes room for one that waits", async () => {
    const scene = await limited({ concurrency: 1 }, 8);
    const endings: ((claimed: ClaimedExecution) => Promise<unknown>)[] = [
      (claimed) => scene.finish(claimed, { kind: "completed" }),
      (claimed) => scene.finish(claimed, failedForGood),
      (claimed) => scene.finish(claimed, { kind: "failed", error: exitError, retryInMs: 3_600_000 }),
      (claimed) => scene.finish(claimed, { kind: "lost", error: exitError }),
      (claimed) => scene.catalog.leases.release([held(claimed)]),
      async () => {
        scene.clock.advance(60_000);
        await scene.catalog.leases.expire(10);
      },
      () => scene.catalog.leases.expireOthers([]),
    ];
    for (const end of endings) {
      const claimed = first(await scene.claim());
      expect(await scene.claim()).toEqual([]);
      await end(claimed);
      expect(await scene.catalog.executions.count({ status: ["in_progress"] })).toBe(0);
    }
    expect(await scene.claim()).toHaveLength(1);
  });

  test("D4: of a service with a throttle nothing is claimed for which there is no place yet, so that giving back uses up no start", async () => {
    const scene = await limited({ throttle: { limit: 3, period: 3600 } }, 5);
    const services = (claimed: ClaimedExecution[]) => claimed.map(({ execution }) => execution.service);
    expect(services(await scene.claim({ limit: 6, ahead: 5 }))).toEqual(["limited"]);
    await scene.deploy("free", { trigger_events: ["other"] });
    await scene.route(...Array.from({ length: 4 }, () => scene.event({ type: "other" })));
    expect(services(await scene.claim({ limit: 6, ahead: 6 }))).toEqual(["free", "free", "free", "free"]);
    // What it may still start is not less for it.
    expect(services(await scene.claim({ limit: 6 }))).toEqual(["limited", "limited"]);
  });

  test("D7: of a service whose lost runs fail nothing is claimed for which there is no place yet", async () => {
    const scene = await limited({ on_lost: "fail" }, 3);
    expect(await scene.claim({ limit: 3, ahead: 2 })).toHaveLength(1);
    expect(await scene.claim({ limit: 2, ahead: 2 })).toEqual([]);
    expect(await scene.claim({ limit: 3 })).toHaveLength(2);
  });

  test("D7: a run's own version says what becomes of it when it is lost, and so whether it may be claimed without a place", async () => {
    const scene = await limited({ on_lost: "fail" }, 3);
    await scene.deploy("limited", { on_lost: "retry" }, { id: "limited-2" });
    await scene.route(scene.event());
    const versions = (claimed: ClaimedExecution[]) => claimed.map(({ execution }) => execution.version);
    // One has a place; the newest, of the active version, needs none.
    expect(versions(await scene.claim({ limit: 4, ahead: 3 }))).toEqual(["limited-1", "limited-2"]);
    expect(await scene.claim({ limit: 2, ahead: 2 })).toEqual([]);
    const rest = await scene.claim({ limit: 3 });
    expect(rest.map(({ execution }) => [execution.version, execution.attempt])).toEqual([
      ["limited-1", 1],
      ["limited-1", 1],
    ]);
    const lost = await scene.finish(first(rest), { kind: "lost", error: exitError });
    expect(lost).toBeDefined();
    expect(await scene.catalog.executions.count({ status: ["failed"] })).toBe(1);
  });

  test("D7: what may not wait for a place is the first to have one, though others came before it", async () => {
    const scene = await limited({ on_lost: "fail" }, 0);
    await scene.deploy("free", { trigger_events: ["other"] });
    await scene.route(...Array.from({ length: 4 }, () => scene.event({ type: "other" })));
    await scene.route(scene.event(), scene.event());
    const claimed = await scene.claim({ limit: 5, ahead: 3 });
    const services = claimed.map(({ execution }) => execution.service);
    expect(services.slice(0, services.lastIndexOf("limited") + 1)).toEqual(
      services.filter((name) => name === "limited"),
    );
    expect(services).toHaveLength(5);
    expect(services).toContain("limited");
  });

  test("D4: a service at its limit does not hold up the others of its lane", async () => {
    const scene = await limited({ concurrency: 1 }, 5);
    await scene.deploy("free", { trigger_events: ["other"] });
    await scene.route(scene.event({ type: "other" }), scene.event({ type: "other" }));
    expect((await scene.claim()).map(({ execution }) => execution.service).sort()).toEqual(["free", "free", "limited"]);
  });

  test("D4: the limits are those of the active version, from when it becomes active", async () => {
    const scene = await limited({ concurrency: 1 }, 6);
    expect(await scene.claim()).toHaveLength(1);
    await scene.deploy("limited", { concurrency: 3 }, { id: "limited-2" });
    expect(await scene.claim()).toHaveLength(2);
    await scene.catalog.services.update("default", "limited", { activeVersion: "limited-1" as never });
    expect(await scene.claim()).toEqual([]);
    await scene.deploy("limited", {}, { id: "limited-3" });
    expect(await scene.claim()).toHaveLength(3);
  });

  test("D4: a throttle lets no more start within any period than its limit, and says when the next may", async () => {
    const scene = await limited({ throttle: { limit: 3, period: 60 } }, 10);
    const began = scene.clock.now();
    expect(await scene.claim({ limit: 2 })).toHaveLength(2);
    scene.clock.advance(50_000);
    expect(await scene.claim()).toHaveLength(1);
    expect(await scene.claim()).toEqual([]);
    expect(await scene.catalog.leases.nextDue()).toBe(began + 60_000);
    scene.clock.advance(9_999);
    expect(await scene.claim()).toEqual([]);
    scene.clock.advance(1);
    expect(await scene.claim()).toHaveLength(2);
    expect(await scene.catalog.leases.nextDue()).toBe(began + 110_000);
    scene.clock.advance(50_000);
    expect(await scene.claim()).toHaveLength(1);
    scene.clock.advance(3_600_000);
    expect(await scene.claim()).toHaveLength(3);
  });

  test("D4: a throttle counts every start, retries too, also where the runs have long ended", async () => {
    const scene = await limited({ throttle: { limit: 2, period: 60 } }, 2);
    await scene.finish(first(await scene.claim({ limit: 1 })), { kind: "failed", error: exitError, retryInMs: 0 });
    await scene.finish(first(await scene.claim({ limit: 1 })), { kind: "completed" });
    expect(await scene.claim()).toEqual([]);
    scene.clock.advance(60_000);
    expect(await scene.claim()).toHaveLength(1);
  });

  test("D4: a clock that is set back does not keep a throttle shut until it has caught up", async () => {
    const scene = await limited({ throttle: { limit: 1, period: 60 } }, 3);
    await scene.claimOne();
    scene.clock.advance(-3_600_000);
    expect(await scene.claim()).toHaveLength(1);
    expect(await scene.claim()).toEqual([]);
    scene.clock.advance(60_000);
    expect(await scene.claim()).toHaveLength(1);
  });

  test("what a run waits for can be asked: its limit, its throttle, its key, its time, or a slot", async () => {
    const scene = await start();
    await scene.deploy("limited", { trigger_events: ["a"], concurrency: 1 });
    await scene.deploy("slow", { trigger_events: ["b"], throttle: { limit: 1, period: 60 } });
    await scene.deploy("keyed", { trigger_events: ["c"], concurrency_key: '"one"' });
    const waitsFor = async (type: string) => {
      const { id } = await scene.start({ type });
      return scene.catalog.executions.waitsFor(id);
    };
    for (const type of ["a", "b", "c"]) expect(await waitsFor(type)).toEqual({ kind: "slot" });
    const claimed = await scene.claim();
    const [keyed] = claimed.filter(({ execution }) => execution.service === "keyed");
    expect(await waitsFor("a")).toEqual({ kind: "concurrency", limit: 1 });
    expect(await waitsFor("b")).toEqual({ kind: "throttle", until: scene.clock.now() + 60_000 });
    expect(await waitsFor("c")).toEqual({ kind: "key", behind: keyed?.execution.id });
    if (keyed) await scene.finish(keyed, { kind: "failed", error: exitError, retryInMs: 1000 });
    const { executions } = scene.catalog;
    expect(keyed && (await executions.waitsFor(keyed.execution.id))).toEqual({
      kind: "time",
      until: scene.clock.now() + 1000,
    });
    expect(await executions.waitsFor(claimed[0]?.execution.id as never)).toBeUndefined();
  });

  test("D4: a deleted service leaves no limit behind", async () => {
    const scene = await limited({ concurrency: 1, throttle: { limit: 1, period: 60 } }, 2);
    await scene.finish(await scene.claimOne(), { kind: "completed" });
    expect(await scene.claim()).toEqual([]);
    await scene.catalog.services.delete("default", "limited");
    expect(await scene.catalog.leases.nextDue()).toBeUndefined();
    await scene.deploy("limited", { throttle: { limit: 1, period: 60 } });
    await scene.start();
    expect(await scene.claim()).toHaveLength(1);
  });
}

export function queueLimitContract(start: () => Promise<Scene>): void {
  const limited = opened(start);
  const statuses = async (scene: Scene) => {
    const { items } = await scene.catalog.executions.list({}, { limit: 100 });
    return items.map(({ status }) => status).reverse();
  };

  test("a full queue refuses what comes: it ends as skipped, says why, and an event tells of it", async () => {
    const scene = await limited({ queue: { limit: 2 } }, 2);
    const result = await scene.route(scene.event(), scene.event());
    expect(result).toMatchObject({ executions: 2, skipped: 2 });
    expect(await statuses(scene)).toEqual(["pending", "pending", "skipped", "skipped"]);
    const { items } = await scene.catalog.executions.list({ status: ["skipped"] }, { limit: 1 });
    const reason = expect.stringMatching(
      /queue of default\/limited was full: its manifest lets 2 wait .*came when it was/,
    );
    expect(items[0]).toMatchObject({ status: "skipped", finishedAt: scene.clock.now(), reason });
    const events = await scene.sent();
    expect(events.map(({ type }) => type)).toEqual(["fx.execution.skipped", "fx.execution.skipped"]);
    expect(events.find(({ subject }) => subject === items[0]?.id)?.data).toMatchObject({ status: "skipped", reason });
  });

  test("a full queue that drops the oldest keeps the newest, and leaves alone what has begun", async () => {
    const scene = await limited({ queue: { limit: 2, policy: "drop_oldest" } }, 1);
    await scene.finish(await scene.claimOne(), { kind: "failed", error: exitError, retryInMs: 60_000 });
    await scene.route(scene.event(), scene.event(), scene.event());
    expect(await statuses(scene)).toEqual(["pending", "skipped", "skipped", "pending"]);
    const { items } = await scene.catalog.executions.list({ status: ["skipped"] }, { limit: 1 });
    expect(items[0]).toMatchObject({ reason: expect.stringContaining("newer ones came") });
    await scene.sent();
    await scene.route(scene.event());
    expect(await statuses(scene)).toEqual(["pending", "skipped", "skipped", "skipped", "pending"]);
  });

  test("what runs does not count as waiting", async () => {
    const scene = await limited({ queue: { limit: 2 }, concurrency: 1 }, 2);
    await scene.claimOne();
    await scene.route(scene.event(), scene.event());
    expect(await statuses(scene)).toEqual(["in_progress", "pending", "pending", "skipped"]);
  });

  test("D5: when the head of a key is dropped the next of it can run", async () => {
    const scene = await limited({ queue: { limit: 1, policy: "drop_oldest" }, concurrency_key: '"one"' }, 1);
    await scene.route(scene.event());
    expect(await statuses(scene)).toEqual(["skipped", "pending"]);
    expect(await scene.claim()).toHaveLength(1);
  });

  test("D6: a retry by a person meets the same queue; a replay neither waits in it nor fills it", async () => {
    const scene = await limited({ queue: { limit: 1 } }, 0);
    const { id } = await scene.start({ correlationid: "flow" });
    await scene.finish(await scene.claimOne(), failedForGood);
    const request = { id: "replay" as ReplayId, correlationId: "flow", versions: {} };
    await scene.catalog.replays.create(request);
    await scene.catalog.replays.create({ ...request, id: "another" as ReplayId });
    await scene.route(scene.event());
    const retried = await scene.catalog.executions.retry(id, { newId: scene.newExecutionId(), version: "same" });
    expect(retried).toMatchObject({ status: "skipped", reason: expect.stringContaining("queue") });
    expect(await scene.catalog.executions.count({ status: ["pending"] })).toBe(3);
  });

  test("a limit that comes when many wait already takes no more than a thousand at a time with what comes", async () => {
    const scene = await limited({}, 1100);
    await scene.deploy("limited", { queue: { limit: 1, policy: "drop_oldest" } }, { id: "limited-2" });
    expect(await scene.route(scene.event())).toMatchObject({ skipped: 1001 });
    expect(await scene.route(scene.event())).toMatchObject({ skipped: 100 });
    expect(await scene.catalog.executions.count({ status: ["pending"] })).toBe(1);
  });
}
