import { expect, test } from "vitest";
import type { CapturedEffect } from "../../executions/captured-effect.ts";
import type { ReplayId } from "../../foundation/ids.ts";
import type { ReplayRequest } from "../replays.ts";
import { day, failedForGood, held, minute, type Scene, step } from "./scene.contract.ts";

const forever = { ledgerMs: 1000 * day, bodiesMs: 1000 * day, executionsMs: 1000 * day };

export function replayContract(start: () => Promise<Scene>): void {
  const replay = async (scene: Scene, request: Partial<ReplayRequest> = {}) =>
    scene.catalog.replays.create({
      id: scene.ids.next() as ReplayId,
      correlationId: "flow",
      versions: {},
      ...request,
    });

  /** A flow of one execution that has ended as failed, and the outbox emptied. */
  const failedFlow = async () => {
    const scene = await start();
    await scene.deploy();
    const { id, key } = await scene.start({ correlationid: "flow", data: { n: 1 } });
    await scene.finish(await scene.claimOne(), failedForGood, [step(1, "failed")]);
    await scene.sent();
    return { scene, id, key };
  };

  test("a replay runs each execution of a flow again for the same event, on the low lane, with the version it ran", async () => {
    const { scene, id, key } = await failedFlow();
    await scene.deploy("hello", {}, { id: "hello-2" });
    await scene.sent();
    const { replay: made, created } = await replay(scene);
    expect(created).toBe(true);
    expect(made).toMatchObject({ correlationId: "flow", executions: 1, notReplayable: [] });
    expect(await scene.catalog.replays.get(made.id)).toEqual(made);
    const { execution, body } = await scene.claimOne();
    expect(execution).toMatchObject({
      trigger: "replay",
      retryOf: id,
      replayId: made.id,
      eventKey: key,
      version: "hello-1",
      lane: "low",
      linkId: undefined,
    });
    expect(JSON.parse(Buffer.from(body).toString()).data).toEqual({ n: 1 });
    expect((await scene.catalog.replays.executions(made.id)).map((one) => one.id)).toEqual([execution.id]);
  });

  test("nothing that happens to an execution of a replay makes an event", async () => {
    const { scene } = await failedFlow();
    await replay(scene);
    await scene.finish(await scene.claimOne(), { kind: "completed" }, [step(1, "completed")]);
    const { replay: second } = await replay(scene);
    const [pending] = await scene.catalog.replays.executions(second.id);
    if (pending) await scene.catalog.executions.cancel(pending.id);
    expect(pending && (await scene.status(pending.id))).toBe("cancelled");
    expect(await scene.sent()).toEqual([]);
  });

  test("D14: a replay does not use up its flow's budget", async () => {
    const { scene } = await failedFlow();
    await replay(scene);
    const batch = scene.batch([scene.incoming(scene.event({ correlationid: "flow" }))]);
    let counted: number | undefined;
    await scene.catalog.routing.route(batch, (facts) => {
      counted = facts.flowExecutions.get("flow");
      return scene.decide(batch.events, facts);
    });
    expect(counted).toBe(1);
  });

  test("D2: the guard of event and link holds beside any number of replays", async () => {
    const { scene } = await failedFlow();
    for (let n = 0; n < 3; n += 1) expect((await replay(scene)).replay.executions).toBe(1);
    expect(await scene.catalog.executions.count({ correlationId: "flow", trigger: "replay" })).toBe(3);
    expect(await scene.catalog.executions.count({ correlationId: "flow", trigger: "event" })).toBe(1);
  });

  test("D9: what its scripts asked for is kept of the attempt that ended it, under that attempt's token only", async () => {
    const { scene } = await failedFlow();
    await replay(scene);
    const effect = (key: string): CapturedEffect => ({ n: 1, step: 1, kind: "putState", content: { key, value: 1 } });
    const report = (claimed: Awaited<ReturnType<Scene["claimOne"]>>, key: string) => ({
      ...held(claimed),
      steps: [],
      captured: { effects: [effect(key)], count: 7 },
    });
    const old = await scene.claimOne();
    const { id } = old.execution;
    const lost = { kind: "lost", error: { ...failedForGood.error, kind: "lost" } } as const;
    await scene.catalog.leases.finish([{ ...report(old, "lost"), outcome: lost }]);
    expect(await scene.catalog.replays.captured(id)).toEqual({ effects: [], count: 0 });
    // A lost attempt may have to wait before the next.
    scene.clock.advance(minute);
    const expired = await scene.claimOne();
    scene.clock.advance(minute);
    await scene.catalog.leases.expire(10);
    scene.clock.advance(minute);
    const current = await scene.claimOne();
    await scene.catalog.leases.finish([{ ...report(expired, "late"), outcome: { kind: "completed" } }]);
    expect(await scene.catalog.replays.captured(id)).toEqual({ effects: [], count: 0 });
    await scene.catalog.leases.finish([{ ...report(current, "kept"), outcome: { kind: "completed" } }]);
    expect(await scene.catalog.replays.captured(id)).toEqual({ effects: [effect("kept")], count: 7 });
  });

  test("of an execution and its retries by people the latest is replayed", async () => {
    const { scene, id } = await failedFlow();
    const retried = await scene.catalog.executions.retry(id, { newId: scene.newExecutionId(), version: "same" });
    await expect(replay(scene)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringMatching(/still runs: .* is pending/),
    });
    await scene.finish(await scene.claimOne(), { kind: "completed" });
    const { replay: made } = await replay(scene);
    const executions = await scene.catalog.replays.executions(made.id);
    expect(executions.map(({ retryOf }) => retryOf)).toEqual([retried.id]);
  });

  test("D13: an execution whose event has lost its data is told as not replayable, and others go on", async () => {
    const { scene, id } = await failedFlow();
    scene.clock.advance(day);
    await scene.start({ correlationid: "flow" });
    await scene.finish(await scene.claimOne(), { kind: "completed" });
    await scene.catalog.retention.prune({ ...forever, bodiesMs: day / 2 }, 100);
    const { replay: made } = await replay(scene);
    expect(made.executions).toBe(1);
    expect(made.notReplayable).toEqual([{ executionId: id, reason: "its event's data is past its retention" }]);
  });

  test("a flow, a service or a version that is not there is refused, naming what is", async () => {
    const { scene } = await failedFlow();
    const refused = (request: Partial<ReplayRequest>) => expect(replay(scene, request)).rejects;
    await refused({ correlationId: "other" }).toMatchObject({ code: "not-found" });
    await refused({ versions: { "default/other": "active" } }).toMatchObject({
      code: "invalid-input",
      message: expect.stringContaining("default/hello"),
    });
    await refused({ versions: { "default/hello": "none" } }).toMatchObject({
      code: "not-found",
      message: expect.stringContaining("hello-1"),
    });
  });

  test("D13: replays go with their executions, by age or by hand; a running one is not deleted", async () => {
    const { scene } = await failedFlow();
    const { replay: made } = await replay(scene);
    const claimed = await scene.claimOne();
    await expect(scene.catalog.replays.delete(made.id)).rejects.toMatchObject({ code: "conflict" });
    await scene.finish(claimed, { kind: "completed" }, [step(1, "completed")]);
    await scene.catalog.replays.delete(made.id);
    expect(await scene.catalog.executions.get(claimed.execution.id)).toBeUndefined();
    await expect(scene.catalog.replays.delete(made.id)).rejects.toMatchObject({ code: "not-found" });

    const { replay: second } = await replay(scene);
    await scene.finish(await scene.claimOne(), { kind: "completed" });
    scene.clock.advance(day);
    await scene.catalog.retention.prune({ ...forever, executionsMs: day / 2 }, 100);
    expect(await scene.catalog.replays.get(second.id)).toBeUndefined();
    expect(await scene.catalog.replays.executions(second.id)).toEqual([]);
  });
}
