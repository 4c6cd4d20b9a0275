import { expect, test } from "vitest";
import { eventKeyOf } from "../../events/event-key.ts";
import type { InstanceId } from "../../foundation/ids.ts";
import type { AttemptReport, ClaimedExecution } from "../leases.ts";
import { exitError, failedForGood, held, minute, type Scene, step } from "./scene.contract.ts";

export function leaseContract(start: () => Promise<Scene>): void {
  test("D4: concurrent claims never get the same execution", async () => {
    const scene = await start();
    await scene.deploy();
    await scene.route(...Array.from({ length: 20 }, () => scene.event()));
    const claims = await Promise.all(Array.from({ length: 8 }, () => scene.claim({ limit: 3 })));
    const ids = claims.flat().map(({ execution }) => execution.id);
    expect(ids).toHaveLength(20);
    expect(new Set(ids).size).toBe(20);
  });

  test("D4: a claim takes lanes in the order given, then by priority, then in the order of routing", async () => {
    const scene = await start();
    for (const priority of [9, 5, 4, 2]) await scene.deploy(`p${priority}`, { priority });
    await scene.route(scene.event(), scene.event());
    const names = async (lanes: ("high" | "regular" | "low")[], limit: number) =>
      (await scene.claim({ lanes, limit })).map(({ execution }) => execution.service);
    expect(await names(["low"], 1)).toEqual(["p9"]);
    expect(await names(["regular", "high", "low"], 3)).toEqual(["p4", "p4", "p5"]);
    expect(await names(["high", "regular", "low"], 10)).toEqual(["p2", "p2", "p5", "p9"]);
    expect(await names(["high", "regular", "low"], 10)).toEqual([]);
  });

  test("D8: a claim sets lease and token, counts the attempt, and says so in an event", async () => {
    const scene = await start();
    await scene.deploy();
    const { id, event } = await scene.start({ sequence: "3", traceparent: "00-aa-bb-01" });
    await scene.sent();
    const { execution } = await scene.claimOne({ leaseMs: 5000 });
    expect(execution).toMatchObject({ id, status: "in_progress", attempt: 1, startedAt: scene.clock.now() });
    expect(execution.lease).toEqual({ owner: "executor-1", token: 1, until: scene.clock.now() + 5000 });
    expect(await scene.sent()).toEqual([
      {
        specversion: "1.0",
        id: expect.any(String),
        source: "/projects/default/services/hello",
        type: "fx.execution.started",
        subject: id,
        time: new Date(scene.clock.now()).toISOString(),
        datacontenttype: "application/json",
        correlationid: event.correlationid,
        causationid: event.id,
        sequence: "4",
        fxproject: "default",
        fxexecution: id,
        data: {
          executionId: id,
          project: "default",
          service: "hello",
          version: "hello-1",
          status: "in_progress",
          attempt: 1,
          trigger: "event",
          priority: 5,
          lane: "regular",
          createdAt: scene.clock.now(),
          startedAt: scene.clock.now(),
        },
      },
    ]);
  });

  test("D5: of a concurrency key one runs at a time, in the order of routing, also while the head is in backoff", async () => {
    const scene = await start();
    await scene.deploy("keyed", { concurrency_key: "event.subject" });
    const event = (subject: string, n: number) => scene.event({ subject, data: n });
    await scene.route(event("a", 1), event("a", 2), event("b", 3));
    await scene.route(event("a", 4));
    const numbers = async () => {
      const claimed = await scene.claim();
      return { claimed, numbers: claimed.map(({ body }) => JSON.parse(Buffer.from(body).toString()).data as number) };
    };
    const first = await numbers();
    expect(first.numbers).toEqual([1, 3]);
    const [head] = first.claimed;
    if (head) await scene.finish(head, { kind: "failed", error: exitError, retryInMs: 1000 });
    expect((await numbers()).numbers).toEqual([]);
    scene.clock.advance(1000);
    const again = await numbers();
    expect(again.numbers).toEqual([1]);
    if (again.claimed[0]) await scene.finish(again.claimed[0], { kind: "completed" });
    const second = await numbers();
    expect(second.numbers).toEqual([2]);
    if (second.claimed[0]) await scene.finish(second.claimed[0], failedForGood);
    expect((await numbers()).numbers).toEqual([4]);
  });

  test("D5: cancelling or skipping the head lets the next of its key run", async () => {
    const scene = await start();
    await scene.deploy("keyed", { concurrency_key: "event.subject" });
    for (let n = 0; n < 3; n += 1) await scene.route(scene.event({ subject: "a" }));
    const { items } = await scene.catalog.executions.list({}, { limit: 10 });
    const [third, second, first] = items;
    if (first) await scene.catalog.executions.skip(first.id);
    if (second) await scene.catalog.executions.cancel(second.id);
    expect((await scene.claim()).map(({ execution }) => execution.id)).toEqual([third?.id]);
  });

  test("D6: a failed attempt waits for its backoff, then the same execution is claimed again under a new token", async () => {
    const scene = await start();
    await scene.deploy();
    const { id } = await scene.start();
    await scene.finish(await scene.claimOne(), { kind: "failed", error: exitError, retryInMs: 5000 });
    expect(await scene.catalog.executions.get(id)).toMatchObject({
      status: "pending",
      notBefore: scene.clock.now() + 5000,
      error: exitError,
      attempt: 1,
    });
    expect(await scene.catalog.leases.nextDue()).toBe(scene.clock.now() + 5000);
    scene.clock.advance(4999);
    expect(await scene.claim()).toEqual([]);
    scene.clock.advance(1);
    const { execution } = await scene.claimOne();
    expect(execution).toMatchObject({ id, attempt: 2, losses: 0, lease: { token: 2 } });
  });

  test("D6: nothing is due when nothing is pending", async () => {
    const scene = await start();
    await scene.deploy();
    expect(await scene.catalog.leases.nextDue()).toBeUndefined();
    await scene.start();
    expect(await scene.catalog.leases.nextDue()).toBe(scene.clock.now());
    await scene.claimOne();
    expect(await scene.catalog.leases.nextDue()).toBeUndefined();
  });

  test("D6: what becomes due later is told also while something can be claimed", async () => {
    const scene = await start();
    await scene.deploy();
    await scene.deploy("slow", { trigger_events: ["slow"], throttle: { limit: 1, period: 60 } });
    const { leases } = scene.catalog;
    await scene.start();
    expect(await leases.nextDue("later")).toBeUndefined();
    await scene.finish(await scene.claimOne(), { kind: "failed", error: exitError, retryInMs: 90_000 });
    await scene.start();
    const now = scene.clock.now();
    expect([await leases.nextDue(), await leases.nextDue("later")]).toEqual([now, now + 90_000]);
    for (let n = 0; n < 2; n += 1) await scene.start({ type: "slow" });
    await scene.claim({ except: [{ project: "default", service: "hello" }] });
    expect([await leases.nextDue(), await leases.nextDue("later")]).toEqual([now, now + 60_000]);
  });

  test("D8: a finish with an old token changes nothing", async () => {
    const scene = await start();
    await scene.deploy();
    const { id } = await scene.start();
    const old = await scene.claimOne();
    scene.clock.advance(minute);
    await scene.catalog.leases.expire(10);
    scene.clock.advance(1000);
    const current = await scene.claimOne();
    await scene.sent();
    expect(await scene.finish(old, { kind: "completed" }, [step(1, "completed")])).toBe(false);
    await scene.catalog.leases.recordSteps([{ ...held(old), steps: [step(1, "in_progress")] }]);
    expect(await scene.status(id)).toBe("in_progress");
    expect(await scene.catalog.executions.steps(id)).toEqual([]);
    expect(await scene.sent()).toEqual([]);
    expect(await scene.finish(current, { kind: "completed" })).toBe(true);
    expect(await scene.finish(current, failedForGood)).toBe(false);
    expect(await scene.status(id)).toBe("completed");
  });

  test("D8: of many reports in one call each ends its own attempt, the first of two the same one, and an old token none", async () => {
    const scene = await start();
    await scene.deploy();
    const { id: lost } = await scene.start();
    const old = await scene.claimOne();
    scene.clock.advance(minute);
    await scene.catalog.leases.expire(10);
    await scene.route(...Array.from({ length: 4 }, () => scene.event()));
    scene.clock.advance(1000);
    const claimed = await scene.claim();
    const current = claimed.find(({ execution }) => execution.id === lost);
    const [first, second, third, fourth] = claimed.filter((one) => one !== current);
    if (!current || !first || !second || !third || !fourth) throw new Error("five were to be claimed");
    const completed = { kind: "completed" } as const;
    const reports = [
      { ...held(first), steps: [step(1, "completed")], outcome: completed },
      { ...held(old), steps: [], outcome: completed },
      { ...held(second), steps: [], outcome: failedForGood },
      { ...held(first), steps: [], outcome: failedForGood },
      { ...held(third), steps: [], outcome: completed },
      { ...held(current), steps: [], outcome: completed },
      { ...held(fourth), steps: [], outcome: { kind: "failed", error: exitError, retryInMs: 1000 } as const },
    ];
    const answers = await scene.catalog.leases.finish(reports);
    expect(answers.map(({ applied }) => applied)).toEqual([true, false, true, false, true, true, true]);
    const ended = [first, second, third, current, fourth].map(({ execution }) => scene.status(execution.id));
    expect(await Promise.all(ended)).toEqual(["completed", "failed", "completed", "completed", "pending"]);
    expect(await scene.catalog.executions.steps(first.execution.id)).toEqual([step(1, "completed")]);
  });

  test("D4: a finish tells when something may be claimed for it, and only then", async () => {
    const scene = await start();
    await scene.deploy("hello", { concurrency_key: "event.subject", concurrency: 2 });
    let told = 0;
    const finish = async (claimed: ClaimedExecution | undefined, outcome: AttemptReport["outcome"]) => {
      if (claimed === undefined) throw new Error("nothing was claimable");
      told = 0;
      await scene.catalog.leases.finish([{ ...held(claimed), steps: [], outcome }], () => {
        told += 1;
      });
      return told;
    };
    await scene.start({ subject: "alone" });
    expect(await finish(await scene.claimOne(), { kind: "completed" })).toBe(0);
    await scene.start({ subject: "again" });
    expect(await finish(await scene.claimOne(), { kind: "failed", error: exitError, retryInMs: 1000 })).toBe(1);
    scene.clock.advance(1000);
    const retried = await scene.claimOne();
    expect(await finish(retried, failedForGood)).toBe(0);
    expect(await finish(retried, failedForGood)).toBe(0);
    await scene.route(scene.event({ subject: "key" }), scene.event({ subject: "key" }));
    expect(await finish(await scene.claimOne(), { kind: "completed" })).toBe(1);
    expect(await finish(await scene.claimOne(), { kind: "completed" })).toBe(0);
    await scene.route(...["a", "b", "c"].map((subject) => scene.event({ subject })));
    const [first, second] = await scene.claim();
    expect(await finish(first, { kind: "completed" })).toBe(1);
    await finish(second, { kind: "completed" });
    expect(await finish(await scene.claimOne(), { kind: "completed" })).toBe(0);
  });

  test("D9: the outcome, the steps and their events are written together", async () => {
    const scene = await start();
    await scene.deploy();
    const { id } = await scene.start();
    const claimed = await scene.claimOne();
    await scene.catalog.leases.recordSteps([{ ...held(claimed), steps: [step(1, "in_progress")] }]);
    expect(await scene.catalog.executions.steps(id)).toEqual([step(1, "in_progress")]);
    await scene.sent();
    scene.clock.advance(10);
    await scene.finish(claimed, failedForGood, [step(1, "completed"), step(2, "failed")]);
    expect(await scene.catalog.executions.steps(id)).toEqual([step(1, "completed"), step(2, "failed")]);
    expect(await scene.catalog.executions.get(id)).toMatchObject({
      status: "failed",
      error: exitError,
      finishedAt: scene.clock.now(),
    });
    const sent = await scene.sent();
    expect(sent.map(({ type }) => type)).toEqual(["fx.execution.step_completed", "fx.execution.failed"]);
    expect(sent[1]?.data).toMatchObject({ status: "failed", error: exitError });
  });

  test("D1: the events of a change have ids derived from it: no two alike, none by chance", async () => {
    const scene = await start();
    await scene.deploy();
    await scene.start();
    await scene.sent();
    await scene.finish(await scene.claimOne(), { kind: "failed", error: exitError, retryInMs: 0 }, [
      step(1, "completed"),
    ]);
    await scene.finish(await scene.claimOne(), { kind: "completed" }, [step(1, "completed"), step(2, "completed")]);
    const sent = await scene.sent();
    expect(sent.map(({ type }) => type.replace("fx.execution.", ""))).toEqual([
      "started",
      "step_completed",
      "started",
      "step_completed",
      "step_completed",
      "completed",
    ]);
    expect(new Set(sent.map(eventKeyOf)).size).toBe(sent.length);
  });

  test("D8: renewing extends the leases still held, and tells which are to be cancelled", async () => {
    const scene = await start();
    await scene.deploy();
    await scene.route(scene.event(), scene.event(), scene.event());
    const [first, second, third] = await scene.claim();
    if (!first || !second || !third) throw new Error("three were to be claimed");
    await scene.finish(third, { kind: "completed" });
    await scene.catalog.executions.cancel(second.execution.id);
    scene.clock.advance(minute - 1);
    const renewed = await scene.catalog.leases.renew([first, second, third].map(held), minute);
    const until = scene.clock.now() + minute;
    expect(renewed).toEqual([
      { id: first.execution.id, held: true, lease: { ...first.execution.lease, until }, cancelRequested: false },
      { id: second.execution.id, held: true, lease: { ...second.execution.lease, until }, cancelRequested: true },
      { id: third.execution.id, held: false },
    ]);
    scene.clock.advance(1);
    expect(await scene.catalog.leases.expire(10)).toEqual([]);
  });

  test("D7: a lost attempt counts as a loss, runs again after a second, and its open step is lost", async () => {
    const scene = await start();
    await scene.deploy();
    const { id } = await scene.start();
    const claimed = await scene.claimOne({ leaseMs: 1000 });
    await scene.catalog.leases.recordSteps([
      { ...held(claimed), steps: [step(1, "completed"), step(2, "in_progress")] },
    ]);
    scene.clock.advance(999);
    expect(await scene.catalog.leases.expire(10)).toEqual([]);
    scene.clock.advance(1);
    expect(await scene.catalog.leases.expire(10)).toEqual([{ ...held(claimed), became: "pending" }]);
    expect(await scene.catalog.executions.get(id)).toMatchObject({
      status: "pending",
      losses: 1,
      attempt: 1,
      notBefore: scene.clock.now() + 1000,
    });
    const statuses = (await scene.catalog.executions.steps(id)).map(({ status }) => status);
    expect(statuses).toEqual(["completed", "lost"]);
    expect(await scene.claim()).toEqual([]);
    scene.clock.advance(1000);
    expect((await scene.claimOne()).execution).toMatchObject({ id, attempt: 2, losses: 1 });
  });

  test("D7: after three losses the execution fails and says why; on_lost: fail fails at the first", async () => {
    const scene = await start();
    await scene.deploy("hello");
    await scene.deploy("once", { on_lost: "fail", trigger_events: ["payment.due"] });
    const often = await scene.start();
    for (const became of ["pending", "pending", "failed"]) {
      const claimed = await scene.claimOne({ leaseMs: 10 });
      scene.clock.advance(10);
      expect(await scene.catalog.leases.expire(10)).toEqual([{ ...held(claimed), became }]);
      scene.clock.advance(5000);
    }
    const failed = await scene.catalog.executions.get(often.id);
    expect(failed).toMatchObject({ status: "failed", losses: 3, error: { kind: "lost" } });
    expect(failed?.status === "failed" && failed.error.message).toMatch(/lost 3 times/);

    const once = await scene.start({ type: "payment.due" });
    const claimed = await scene.claimOne();
    expect(await scene.finish(claimed, { kind: "lost", error: { ...exitError, kind: "lost" } })).toBe(true);
    expect(await scene.catalog.executions.get(once.id)).toMatchObject({ status: "failed", error: { kind: "lost" } });
    const types = (await scene.sent()).map(({ type }) => type);
    expect(types.filter((type) => type === "fx.execution.failed")).toHaveLength(2);
  });

  test("D8: a restart expires the leases of every owner but those that live", async () => {
    const scene = await start();
    await scene.deploy();
    await scene.route(scene.event(), scene.event(), scene.event());
    for (const owner of ["dead-1", "dead-2", "alive"]) await scene.claimOne({ owner: owner as InstanceId });
    expect(await scene.catalog.leases.expireOthers(["alive" as InstanceId])).toBe(2);
    expect(await scene.catalog.executions.count({ status: ["pending"] })).toBe(2);
    expect(await scene.catalog.leases.expireOthers([])).toBe(1);
  });

  test("D8: an execution given back unbegun is due at once, and its attempt is not counted", async () => {
    const scene = await start();
    await scene.deploy();
    const { id } = await scene.start();
    const claimed = await scene.claimOne();
    await scene.catalog.leases.release([held(claimed)]);
    expect(await scene.catalog.executions.get(id)).toMatchObject({ status: "pending", attempt: 0, losses: 0 });
    expect(await scene.finish(claimed, { kind: "completed" })).toBe(false);
    const again = await scene.claimOne();
    expect(again.execution).toMatchObject({ id, attempt: 1, lease: { token: 2 } });
  });

  test("whoever was asked to cancel gets no further attempt", async () => {
    const scene = await start();
    await scene.deploy();
    const endings: ((claimed: Awaited<ReturnType<Scene["claimOne"]>>) => Promise<unknown>)[] = [
      (claimed) => scene.finish(claimed, { kind: "cancelled" }),
      (claimed) => scene.finish(claimed, { kind: "failed", error: exitError, retryInMs: 1000 }),
      (claimed) => scene.finish(claimed, { kind: "lost", error: exitError }),
      (claimed) => scene.catalog.leases.release([held(claimed)]),
      async () => {
        scene.clock.advance(minute);
        await scene.catalog.leases.expire(10);
      },
    ];
    for (const end of endings) {
      const { id } = await scene.start();
      const claimed = await scene.claimOne();
      await scene.catalog.leases.recordSteps([{ ...held(claimed), steps: [step(1, "in_progress")] }]);
      const asked = await scene.catalog.executions.cancel(id);
      expect(asked).toMatchObject({ status: "in_progress", cancelRequested: true });
      await end(claimed);
      expect(await scene.status(id)).toBe("cancelled");
      expect((await scene.catalog.executions.steps(id))[0]?.status).toBe("cancelled");
      expect((await scene.sent()).at(-1)?.type).toBe("fx.execution.cancelled");
    }
  });
}
