import { expect, test } from "vitest";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { eventDigestOf, eventKeyOf } from "../../events/event-key.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { LedgerFilter } from "../ledger.ts";
import { day, minute, type Scene } from "./scene.contract.ts";

const subjects = (entries: readonly { event: CloudEvent }[]) => entries.map(({ event }) => event.subject);

export function ledgerContract(start: () => Promise<Scene>): void {
  test("every filter of the ledger keeps what fits, alone and together; newest first, in pages", async () => {
    const scene = await start();
    await scene.deploy("hello", {}, { project: "shop" });
    const from = scene.clock.now();
    const first = scene.event({ subject: "1", correlationid: "flow-1", fxproject: "shop" });
    await scene.route(first, scene.event({ subject: "2", type: "poison", source: "/other" }));
    scene.clock.advance(minute);
    await scene.route(scene.event({ subject: "3", type: "unknown", correlationid: "flow-1" }));
    const expectSubjects = async (filter: LedgerFilter, expected: string[]) => {
      const page = await scene.catalog.ledger.list(filter, { limit: 1 });
      const rest = page.next ? await scene.catalog.ledger.list(filter, { limit: 10, after: page.next }) : { items: [] };
      expect(subjects([...page.items, ...rest.items])).toEqual(expected);
      expect(subjects(await scene.catalog.ledger.since(0, filter, 10))).toEqual([...expected].reverse());
    };
    await expectSubjects({}, ["3", "2", "1"]);
    await expectSubjects({ type: "order.placed" }, ["1"]);
    await expectSubjects({ source: "/other" }, ["2"]);
    await expectSubjects({ id: first.id }, ["1"]);
    await expectSubjects({ correlationId: "flow-1" }, ["3", "1"]);
    await expectSubjects({ project: "shop" }, ["1"]);
    await expectSubjects({ outcome: "matched" }, ["1"]);
    await expectSubjects({ outcome: "rejected" }, ["2"]);
    await expectSubjects({ outcome: "unmatched", source: "/shop" }, ["3"]);
    await expectSubjects({ from: from + 1 }, ["3"]);
    await expectSubjects({ from, to: from + minute }, ["2", "1"]);
    expect(subjects(await scene.catalog.ledger.flow("flow-1", 10))).toEqual(["1", "3"]);
    expect(subjects(await scene.catalog.ledger.flow("flow-1", 1))).toEqual(["1"]);
  });

  test("a tail begins after the newest entry and sees each later one once", async () => {
    const scene = await start();
    await scene.route(scene.event({ subject: "before" }));
    const seq = await scene.catalog.ledger.latestSeq();
    expect(await scene.catalog.ledger.since(seq, {}, 10)).toEqual([]);
    await scene.route(scene.event({ subject: "1" }), scene.event({ subject: "2" }));
    const [next, ...others] = await scene.catalog.ledger.since(seq, {}, 1);
    expect([next?.event.subject, others]).toEqual(["1", []]);
    expect(subjects(await scene.catalog.ledger.since(next?.seq ?? 0, {}, 10))).toEqual(["2"]);
  });

  test("the digests of known events are known, for telling a repeat from an id used twice", async () => {
    const scene = await start();
    const event = scene.event({ data: { n: 1 } });
    await scene.route(event);
    const key = eventKeyOf(event);
    const digests = await scene.catalog.ledger.digests([key, eventKeyOf(scene.event())]);
    expect([...digests]).toEqual([[key, eventDigestOf(event)]]);
    expect(await scene.catalog.ledger.digests([])).toEqual(new Map());
  });
}

export function outboxContract(start: () => Promise<Scene>): void {
  test("D1: what a change implies stays in the outbox until it was sent, and is sent oldest first", async () => {
    const scene = await start();
    for (const name of ["a", "b", "c"]) await scene.deploy(name);
    const { outbox } = scene.catalog;
    const first = await outbox.peek(2);
    expect(first.map(({ topic, event }) => [topic, event.subject])).toEqual([
      ["fx.platform", "default/a"],
      ["fx.platform", "default/b"],
    ]);
    const refused = outbox.send(2, () => Promise.reject(new PlatformError("unavailable", "no bus")));
    await expect(refused).rejects.toMatchObject({ code: "unavailable", message: "no bus" });
    expect(await outbox.peek(2)).toEqual(first);
    const given: unknown[] = [];
    const send = () => outbox.send(2, async (entries) => void given.push(...entries));
    expect(await send()).toBe(2);
    expect(given).toEqual(first);
    expect((await outbox.peek(10)).map(({ event }) => event.subject)).toEqual(["default/c"]);
    expect(await send()).toBe(1);
    expect(await send()).toBe(0);
    expect(given).toHaveLength(3);
  });

  test("D17: a run request is one execution and one event, and repeating it answers the same execution", async () => {
    const scene = await start();
    await scene.deploy("hello", { trigger_events: [] });
    await scene.sent();
    const event = scene.event({ id: "key-1", type: "fx.service.run_requested", data: { n: 1 } });
    const first = await scene.catalog.runRequests.request(scene.runRequest(event, { priority: 1 }));
    expect(first.created).toBe(true);
    expect(await scene.catalog.runRequests.request(scene.runRequest(event))).toEqual({
      executionId: first.executionId,
      created: false,
    });
    expect(await scene.sent()).toEqual([event]);
    const { execution, body } = await scene.claimOne();
    expect(execution).toMatchObject({ id: first.executionId, trigger: "manual", linkId: undefined, lane: "high" });
    expect(JSON.parse(Buffer.from(body).toString())).toEqual(event);
    await scene.route(event);
    expect(await scene.catalog.executions.count({})).toBe(1);
    expect(await scene.catalog.ledger.get(eventKeyOf(event))).toMatchObject({ outcome: "matched" });
  });

  test("D18: any number of schedulers that fire one nominal time make one execution", async () => {
    const scene = await start();
    await scene.deploy("hello", { trigger_events: [] });
    const event = scene.event({ id: "tick-1", type: "fx.schedule.fired" });
    const answers = await Promise.all(
      [1, 2, 3].map(() => scene.catalog.runRequests.request(scene.runRequest(event, { trigger: "schedule" }))),
    );
    expect(answers.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(answers.map(({ executionId }) => executionId)).size).toBe(1);
    expect(await scene.catalog.executions.count({ trigger: "schedule" })).toBe(1);
  });
}

export function retentionContract(start: () => Promise<Scene>): void {
  const ages = { ledgerMs: 30 * day, bodiesMs: 7 * day, executionsMs: 30 * day };

  test("D13: an old event loses its data and keeps its attributes", async () => {
    const scene = await start();
    const event = scene.event({ subject: "order 1", data: { secret: "x" } });
    await scene.route(event);
    scene.clock.advance(7 * day);
    expect(await scene.catalog.retention.prune(ages, 100)).toBe(0);
    scene.clock.advance(1);
    expect(await scene.catalog.retention.prune(ages, 100)).toBe(1);
    const { data: _data, ...attributes } = event;
    expect((await scene.catalog.ledger.get(eventKeyOf(event)))?.event).toEqual(attributes);
    expect(await scene.catalog.retention.prune(ages, 100)).toBe(0);
  });

  test("D13: the event of an execution that has not ended keeps its data, and the execution stays", async () => {
    const scene = await start();
    await scene.deploy();
    const { id } = await scene.start({ data: { n: 1 } });
    scene.clock.advance(365 * day);
    await scene.catalog.retention.prune(ages, 100);
    const claimed = await scene.claimOne();
    expect(claimed.execution.id).toBe(id);
    expect(JSON.parse(Buffer.from(claimed.body).toString())).toMatchObject({ data: { n: 1 } });
  });

  test("D13: an event that the ledger has forgotten starts no second execution while its first is kept", async () => {
    const scene = await start();
    await scene.deploy();
    const { id, event } = await scene.start({ data: { n: 1 } });
    await scene.finish(await scene.claimOne(), { kind: "completed" });
    scene.clock.advance(2 * day);
    await scene.catalog.retention.prune({ ...ages, ledgerMs: day, bodiesMs: day }, 100);
    expect(await scene.route(event)).toMatchObject({ matched: 1, executions: 0 });
    expect((await scene.catalog.executions.list({}, { limit: 10 })).items.map((one) => one.id)).toEqual([id]);
    expect((await scene.catalog.ledger.get(eventKeyOf(event)))?.event).toEqual(event);
  });

  test("D17: who asks again for a run that the ledger has forgotten is answered its execution while that is kept, ended or not", async () => {
    const scene = await start();
    await scene.deploy();
    const forgotten = { ...ages, ledgerMs: day, bodiesMs: day };
    const [ended, waiting] = [scene.event({ type: "asked" }), scene.event({ type: "asked" })];
    const first = await scene.catalog.runRequests.request(scene.runRequest(ended));
    await scene.finish(await scene.claimOne(), { kind: "completed" });
    const second = await scene.catalog.runRequests.request(scene.runRequest(waiting));
    scene.clock.advance(2 * day);
    await scene.catalog.retention.prune(forgotten, 100);
    expect(await scene.catalog.runRequests.request(scene.runRequest(ended))).toEqual({
      executionId: first.executionId,
      created: false,
    });
    scene.clock.advance(365 * day);
    while ((await scene.catalog.retention.prune(forgotten, 100)) > 0);
    expect(await scene.catalog.runRequests.request(scene.runRequest(waiting))).toEqual({
      executionId: second.executionId,
      created: false,
    });
    expect(await scene.catalog.runRequests.request(scene.runRequest(ended))).toMatchObject({ created: true });
  });

  test("D13: what was pruned of data cannot be retried, and says so", async () => {
    const scene = await start();
    await scene.deploy();
    const { id } = await scene.start();
    await scene.finish(await scene.claimOne(), { kind: "completed" });
    scene.clock.advance(8 * day);
    await scene.catalog.retention.prune(ages, 100);
    const retry = scene.catalog.executions.retry(id, { newId: scene.newExecutionId(), version: "same" });
    await expect(retry).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("retention") });
  });

  test("D13: a late repeat is known for as long as the ledger is kept; then everything of it goes, in small steps", async () => {
    const scene = await start();
    await scene.deploy();
    const events = Array.from({ length: 5 }, () => scene.event());
    await scene.route(...events);
    for (const claimed of await scene.claim()) await scene.finish(claimed, { kind: "completed" });
    scene.clock.advance(29 * day);
    while ((await scene.catalog.retention.prune(ages, 2)) > 0);
    expect(await scene.route(...events)).toMatchObject({ duplicate: 5, executions: 0 });
    scene.clock.advance(2 * day);
    // At most two of a table go at a time, so that nothing waits long for its turn.
    await scene.catalog.retention.prune(ages, 2);
    expect(await scene.catalog.executions.count({})).toBe(3);
    while ((await scene.catalog.retention.prune(ages, 2)) > 0);
    expect(await scene.catalog.executions.count({})).toBe(0);
    expect((await scene.catalog.ledger.list({}, { limit: 10 })).items).toEqual([]);
    expect((await scene.catalog.ledger.totals())[0]).toMatchObject({ matched: 5, duplicate: 5, toOffset: 10 });
  });
}
