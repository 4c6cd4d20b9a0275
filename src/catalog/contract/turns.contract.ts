import { expect, test } from "vitest";
import type { Lane } from "../../executions/lanes.ts";
import type { ExecutionId } from "../../foundation/ids.ts";
import { exitError, failedForGood, held, type Scene } from "./scene.contract.ts";

export function turnContract(start: () => Promise<Scene>): void {
  /** Services that each listen to a type of their own name. */
  const services = async (...names: string[]) => {
    const scene = await start();
    for (const name of names) await scene.deploy(name, { trigger_events: [name] });
    return scene;
  };
  const flood = (scene: Scene, type: string, count: number) =>
    scene.route(...Array.from({ length: count }, () => scene.event({ type })));
  const claimNames = async (scene: Scene, limit = 1) =>
    (await scene.claim({ limit })).map(({ execution }) => execution.service);
  const claimOneByOne = async (scene: Scene, count: number) => {
    const names: string[] = [];
    for (let n = 0; n < count; n += 1) names.push(...(await claimNames(scene)));
    return names;
  };

  test("D4: a service with a thousand runs that wait does not hold up another's one run", async () => {
    const scene = await services("flood", "quiet");
    await flood(scene, "flood", 1000);
    await claimOneByOne(scene, 50);
    await flood(scene, "quiet", 1);
    expect(await claimOneByOne(scene, 2)).toContain("quiet");
    await flood(scene, "quiet", 1);
    expect(await claimNames(scene, 4)).toContain("quiet");
  });

  test("D4: services of one priority share the claims, one by one and in batches, each in the order of routing", async () => {
    const scene = await services("a", "b", "c");
    for (const name of ["a", "b", "c"]) await flood(scene, name, 9);
    const names = await claimOneByOne(scene, 6);
    expect(names.slice(0, 3).sort()).toEqual(["a", "b", "c"]);
    expect(names.slice(3).sort()).toEqual(["a", "b", "c"]);
    const batch = await scene.claim({ limit: 12 });
    const of = (name: string) => batch.filter(({ execution }) => execution.service === name);
    expect(["a", "b", "c"].map((name) => of(name).length)).toEqual([4, 4, 4]);
    const { items } = await scene.catalog.executions.list({ service: "a" }, { limit: 10 });
    const routed = items.map(({ id }) => id).reverse();
    expect(of("a").map(({ execution }) => execution.id)).toEqual(routed.slice(2, 6));
    expect(await claimNames(scene, 100)).toHaveLength(9);
  });

  test("D4: a claim goes on with the service that is ahead in turns where the one behind is at its limit", async () => {
    const scene = await start();
    await scene.deploy("one", { trigger_events: ["one"], concurrency: 1 });
    await scene.deploy("many", { trigger_events: ["many"] });
    await scene.route(...Array.from({ length: 5 }, () => scene.event({ type: "one" })));
    await scene.route(...Array.from({ length: 60 }, () => scene.event({ type: "many" })));
    const claimed = (await scene.claim({ limit: 20 })).map(({ execution }) => execution.service);
    expect(claimed).toHaveLength(20);
    expect(claimed.filter((service) => service === "one")).toHaveLength(1);
  });

  test("D4: what one service leaves free another takes", async () => {
    const scene = await services("a", "b");
    await flood(scene, "a", 1);
    await flood(scene, "b", 20);
    expect((await claimNames(scene, 10)).filter((name) => name === "b")).toHaveLength(9);
  });

  test("D4: who comes back is not ahead for having been away, nor behind for having had much", async () => {
    const scene = await services("away", "busy");
    await flood(scene, "away", 1);
    await claimNames(scene);
    await flood(scene, "busy", 60);
    await claimOneByOne(scene, 40);
    await flood(scene, "away", 20);
    const names = await claimOneByOne(scene, 10);
    expect(names.filter((name) => name === "away")).toHaveLength(5);
  });

  test("D4: services that come with one run again and again do not keep one that waits from its turn", async () => {
    const scene = await services("patient", "x", "y");
    await flood(scene, "patient", 5);
    const names: string[] = [];
    for (let n = 0; n < 12; n += 1) {
      for (const name of ["x", "y"]) await flood(scene, name, 1);
      names.push(...(await claimNames(scene)));
    }
    expect(names.filter((name) => name === "patient").length).toBeGreaterThanOrEqual(4);
  });

  const except = (...names: string[]) => names.map((service) => ({ project: "default", service }));

  test("D4: of services that a claim excepts nothing is claimed, in whatever lane and priority; of the others as if they were alone", async () => {
    const scene = await services("flood", "x", "y");
    await scene.deploy("first", { trigger_events: ["first"], priority: 4 });
    await scene.deploy("high", { trigger_events: ["high"], priority: 1 });
    for (const name of ["first", "high", "flood"]) await flood(scene, name, 20);
    const claim = async (limit: number) =>
      (await scene.claim({ limit, except: except("flood", "first", "high") })).map(
        ({ execution }) => execution.service,
      );
    expect(await claim(5)).toEqual([]);
    for (const name of ["x", "y"]) await flood(scene, name, 3);
    expect((await claim(4)).sort()).toEqual(["x", "x", "y", "y"]);
    expect((await claim(4)).sort()).toEqual(["x", "y"]);
  });

  test("D4: who was excepted from a claim is neither ahead nor behind for it", async () => {
    const scene = await services("a", "b");
    for (const name of ["a", "b"]) await flood(scene, name, 20);
    for (let n = 0; n < 6; n += 1) {
      expect(await scene.claim({ limit: 1, except: except("a") })).toMatchObject([{ execution: { service: "b" } }]);
    }
    // What was claimed of it meanwhile counts in the turns: six behind, it is first until they are even.
    expect(await claimOneByOne(scene, 6)).toEqual(Array(6).fill("a"));
    expect((await claimOneByOne(scene, 6)).filter((name) => name === "a")).toHaveLength(3);
  });

  test("D4: an exception is of one project: a service of the same name in another is claimed from", async () => {
    const scene = await services("a");
    await scene.deploy("a", { trigger_events: ["a"] }, { project: "other", id: "other-a" });
    await flood(scene, "a", 2);
    const claimed = await scene.claim({ except: except("a") });
    expect(claimed.map(({ execution }) => execution.project)).toEqual(["other", "other"]);
  });

  test("D4: an exception keeps to the limits of the others, and to what waits for its time", async () => {
    const scene = await services("a");
    await scene.deploy("b", { trigger_events: ["b"], concurrency: 1 });
    await flood(scene, "a", 1);
    await flood(scene, "b", 2);
    const [one, ...more] = await scene.claim({ except: except("a") });
    expect([one?.execution.service, more]).toEqual(["b", []]);
    if (one) await scene.finish(one, { kind: "failed", error: exitError, retryInMs: 0 });
    expect(await scene.claim({ except: except("a") })).toHaveLength(1);
    expect(await claimNames(scene, 10)).toEqual(["a"]);
  });

  test("D4: priority goes before turns", async () => {
    const scene = await start();
    await scene.deploy("five", { trigger_events: ["go"], priority: 5 });
    await scene.deploy("four", { trigger_events: ["go"], priority: 4 });
    await scene.route(scene.event({ type: "go" }), scene.event({ type: "go" }));
    expect(await claimOneByOne(scene, 4)).toEqual(["four", "four", "five", "five"]);
  });

  test("D6: whatever gives a run back lets it be claimed again: a retry, a loss, a release, the end of its wait", async () => {
    const scene = await services("a");
    const { id } = await scene.start({ type: "a" });
    await scene.finish(await scene.claimOne(), { kind: "failed", error: exitError, retryInMs: 0 });
    const retried = await scene.claimOne();
    expect(await scene.claim()).toEqual([]);
    await scene.catalog.leases.release([held(retried)]);
    await scene.finish(await scene.claimOne(), { kind: "failed", error: exitError, retryInMs: 700 });
    expect(await scene.claim()).toEqual([]);
    scene.clock.advance(700);
    const waited = await scene.claimOne();
    scene.clock.advance(60_000);
    await scene.catalog.leases.expireOthers([]);
    expect(waited.execution.id).toBe(id);
    const again = await scene.claimOne();
    expect(again.execution).toMatchObject({ id, losses: 1 });
    await scene.finish(again, failedForGood);
    await scene.catalog.executions.retry(id, { newId: scene.newExecutionId(), version: "same" });
    expect((await scene.claimOne()).execution.retryOf).toBe(id);
  });

  const waiting = async (scene: Scene, type = "a") => (await scene.start({ type })).id;
  const claimIn = async (scene: Scene, ...lanes: Lane[]) =>
    (await scene.claim({ lanes })).map(({ execution }) => execution);

  test("D4: a run is moved to another lane, at that lane's nearest priority, and is claimed from there alone", async () => {
    const scene = await services("a");
    const [first, second] = [await waiting(scene), await waiting(scene)];
    const moved = await scene.catalog.executions.move(second, "high");
    expect(moved).toMatchObject({ id: second, status: "pending", lane: "high", priority: 3, movedFrom: "regular" });
    expect(await scene.catalog.executions.get(second)).toEqual(moved);
    expect(await scene.catalog.executions.move(first, "low")).toMatchObject({ lane: "low", priority: 8 });
    expect(await claimIn(scene, "regular")).toEqual([]);
    expect(await claimIn(scene, "high")).toMatchObject([{ id: second, lane: "high", movedFrom: "regular" }]);
    expect(await claimIn(scene, "low")).toMatchObject([{ id: first }]);
  });

  test("D6: a run is moved once, and while it is pending", async () => {
    const scene = await services("a");
    const id = await waiting(scene);
    const move = (lane: Lane) => scene.catalog.executions.move(id, lane);
    await expect(move("regular")).rejects.toMatchObject({ code: "conflict", message: /in the lane regular already/ });
    await move("high");
    await expect(move("low")).rejects.toMatchObject({
      code: "conflict",
      message: /was moved already, from regular to high/,
    });
    await scene.claimOne();
    await expect(move("low")).rejects.toMatchObject({ code: "conflict", message: /is in_progress/ });
    await expect(scene.catalog.executions.move("none" as ExecutionId, "low")).rejects.toMatchObject({
      code: "not-found",
    });
  });

  test("D5: a run that waits behind its key is moved and keeps its place; its turn comes in the new lane", async () => {
    const scene = await start();
    await scene.deploy("keyed", { trigger_events: ["a"], concurrency_key: "event.subject" });
    const { id: head } = await scene.start({ type: "a", subject: "x" });
    const { id: later } = await scene.start({ type: "a", subject: "x" });
    await scene.catalog.executions.move(later, "high");
    const [claimed, ...others] = await scene.claim();
    expect([claimed?.execution.id, others]).toEqual([head, []]);
    if (claimed) await scene.finish(claimed, { kind: "completed" });
    expect(await claimIn(scene, "high")).toMatchObject([{ id: later }]);
  });
}
