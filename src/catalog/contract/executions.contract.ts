import { expect, test } from "vitest";
import type { ReplayId, VersionId } from "../../foundation/ids.ts";
import type { ExecutionFilter } from "../executions.ts";
import { failedForGood, minute, type Scene } from "./scene.contract.ts";

export function executionContract(start: () => Promise<Scene>): void {
  test("executions are listed newest first, page by page, each once", async () => {
    const scene = await start();
    await scene.deploy();
    await scene.route(...Array.from({ length: 5 }, () => scene.event()));
    scene.clock.advance(minute);
    await scene.route(scene.event(), scene.event());
    const seen: { id: string; createdAt: number }[] = [];
    let after: string | undefined;
    const sizes: number[] = [];
    do {
      const page = await scene.catalog.executions.list({}, { limit: 3, after });
      sizes.push(page.items.length);
      seen.push(...page.items);
      after = page.next;
    } while (after !== undefined);
    expect(sizes).toEqual([3, 3, 1]);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(7);
    expect(seen.map(({ createdAt }) => createdAt)).toEqual(
      seen.map(({ createdAt }) => createdAt).sort((a, b) => b - a),
    );
  });

  test("a cursor that no page ended with and a limit out of bounds are refused as invalid input", async () => {
    const scene = await start();
    const foreign = Buffer.from(JSON.stringify(["x", 1])).toString("base64url");
    for (const after of ["", "nonsense", "e30", foreign, "WzEsMl0="]) {
      await expect(scene.catalog.executions.list({}, { limit: 1, after })).rejects.toMatchObject({
        code: "invalid-input",
      });
      await expect(scene.catalog.ledger.list({}, { limit: 1, after })).rejects.toMatchObject({ code: "invalid-input" });
    }
    for (const limit of [0, 1001, 1.5]) {
      await expect(scene.catalog.executions.list({}, { limit })).rejects.toMatchObject({ code: "invalid-input" });
    }
  });

  test("every filter of executions keeps what fits, alone and together, in the list and in the count", async () => {
    const scene = await start();
    await scene.deploy("hello");
    await scene.deploy("other", {}, { project: "shop" });
    const from = scene.clock.now();
    const first = scene.event({ correlationid: "flow-1" });
    await scene.route(first);
    scene.clock.advance(minute);
    await scene.route(scene.event({ fxproject: "shop", correlationid: "flow-2" }));
    const claimed = await scene.claimOne();
    await scene.finish(claimed, failedForGood);
    const { eventKey } = claimed.execution;
    const expectServices = async (filter: ExecutionFilter, services: string[]) => {
      const { items } = await scene.catalog.executions.list(filter, { limit: 10 });
      expect(items.map(({ project, service }) => `${project}/${service}`)).toEqual(services);
      expect(await scene.catalog.executions.count(filter)).toBe(services.length);
    };
    const [late, other, hello] = ["shop/other", "shop/other", "default/hello"];
    await expectServices({}, [late, other, hello]);
    await expectServices({ project: "shop" }, [late, other]);
    await expectServices({ project: "shop", service: "other" }, [late, other]);
    await expectServices({ service: "shop/other" }, [late, other]);
    await expectServices({ service: "hello" }, [hello]);
    await expectServices({ project: "shop", service: "default/hello" }, []);
    await expectServices({ status: ["failed"] }, [`${claimed.execution.project}/${claimed.execution.service}`]);
    await expectServices({ status: ["pending", "failed"] }, [late, other, hello]);
    await expectServices({ status: [] }, []);
    await expectServices({ trigger: "event" }, [late, other, hello]);
    await expectServices({ trigger: "manual" }, []);
    await expectServices({ eventKey }, [other, hello]);
    await expectServices({ correlationId: "flow-2" }, [late]);
    await expectServices({ from: from + 1 }, [late]);
    await expectServices({ from, to: from + minute }, [other, hello]);
    await expectServices({ correlationId: "flow-1", project: "shop", trigger: "event", to: from + 1 }, [other]);
  });

  test("a list by several statuses is one list: newest first, its pages without gap or repeat", async () => {
    const scene = await start();
    await scene.deploy();
    for (let n = 0; n < 6; n += 1) {
      await scene.route(scene.event());
      scene.clock.advance(1);
      if (n % 2 === 0) await scene.finish(await scene.claimOne(), { kind: "completed" });
    }
    const all = (await scene.catalog.executions.list({}, { limit: 10 })).items.map(({ id }) => id);
    const paged: string[] = [];
    let after: string | undefined;
    do {
      const page = await scene.catalog.executions.list({ status: ["pending", "completed"] }, { limit: 2, after });
      paged.push(...page.items.map(({ id }) => id));
      after = page.next;
    } while (after !== undefined);
    expect(paged).toEqual(all);
  });

  test("D6: a manual retry is a new execution for the same event, and the same call again is the same retry", async () => {
    const scene = await start();
    await scene.deploy();
    const { id, key } = await scene.start({ data: { n: 1 } });
    const newId = scene.newExecutionId();
    const retry = () => scene.catalog.executions.retry(id, { newId, version: "same" });
    await expect(retry()).rejects.toMatchObject({ code: "conflict" });
    await scene.finish(await scene.claimOne(), failedForGood);
    const retried = await retry();
    expect(retried).toMatchObject({
      id: newId,
      retryOf: id,
      eventKey: key,
      linkId: undefined,
      trigger: "event",
      status: "pending",
      attempt: 0,
      version: "hello-1",
    });
    expect(await retry()).toEqual(retried);
    expect(await scene.status(id)).toBe("failed");
    const claimed = await scene.claimOne();
    expect(claimed.execution.id).toBe(newId);
    expect(JSON.parse(Buffer.from(claimed.body).toString())).toMatchObject({ data: { n: 1 } });
    expect(await scene.claim()).toEqual([]);
  });

  test("D6: what a person has retried is found apart from what nobody has; a replay is no retry", async () => {
    const scene = await start();
    await scene.deploy();
    const { executions, replays } = scene.catalog;
    const retried = await scene.start();
    const left = await scene.start({ correlationid: "replayed" });
    for (const _ of [retried, left]) await scene.finish(await scene.claimOne(), failedForGood);
    const newId = scene.newExecutionId();
    await executions.retry(retried.id, { newId, version: "same" });
    await scene.finish(await scene.claimOne(), failedForGood);
    await scene.sent();
    await replays.create({ id: scene.ids.next() as ReplayId, correlationId: "replayed", versions: {} });
    const found = async (isRetried: boolean) =>
      (await executions.list({ status: ["failed"], retried: isRetried }, { limit: 10 })).items.map(({ id }) => id);
    expect(await found(true)).toEqual([retried.id]);
    expect(await found(false)).toEqual([newId, left.id]);
    expect(await executions.count({ status: ["failed"], retried: false })).toBe(2);
  });

  test("D6: a retry runs the same version, the active one, or one that is named", async () => {
    const scene = await start();
    await scene.deploy("hello", {}, { id: "v1" });
    const { id } = await scene.start();
    await scene.finish(await scene.claimOne(), failedForGood);
    await scene.deploy("hello", {}, { id: "v2" });
    const retry = async (version: string) =>
      (await scene.catalog.executions.retry(id, { newId: scene.newExecutionId(), version })).version;
    expect(await retry("same")).toBe("v1");
    expect(await retry("active")).toBe("v2");
    expect(await retry("v2")).toBe("v2");
    await expect(retry("v3")).rejects.toMatchObject({ code: "not-found" });
  });

  test("D6: what has ended cannot be cancelled or skipped, what runs cannot be skipped, what is not there is not found", async () => {
    const scene = await start();
    await scene.deploy();
    const { executions } = scene.catalog;
    const cancelled = await scene.start();
    await scene.sent();
    expect(await executions.cancel(cancelled.id)).toMatchObject({
      status: "cancelled",
      finishedAt: scene.clock.now(),
      startedAt: undefined,
    });
    const skipped = await scene.start();
    expect(await executions.skip(skipped.id)).toMatchObject({ status: "skipped" });
    expect((await scene.sent()).map(({ type, subject }) => [type, subject])).toEqual([
      ["fx.execution.cancelled", cancelled.id],
      ["fx.execution.skipped", skipped.id],
    ]);
    for (const { id } of [cancelled, skipped]) {
      await expect(executions.cancel(id)).rejects.toMatchObject({ code: "conflict" });
      await expect(executions.skip(id)).rejects.toMatchObject({ code: "conflict" });
    }
    expect(await scene.claim()).toEqual([]);
    const running = await scene.start();
    await scene.claimOne();
    await expect(executions.skip(running.id)).rejects.toMatchObject({ code: "conflict" });
    const missing = scene.newExecutionId();
    expect(await executions.get(missing)).toBeUndefined();
    await expect(executions.cancel(missing)).rejects.toMatchObject({ code: "not-found" });
    await expect(executions.skip(missing)).rejects.toMatchObject({ code: "not-found" });
    const retry = executions.retry(missing, { newId: scene.newExecutionId(), version: "same" as VersionId });
    await expect(retry).rejects.toMatchObject({ code: "not-found" });
  });
}
