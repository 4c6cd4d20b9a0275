import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { held, Scene, step } from "../../../src/catalog/contract/scene.contract.ts";
import type { ExecutionFilter } from "../../../src/catalog/executions.ts";
import type { LedgerFilter } from "../../../src/catalog/ledger.ts";
import { openSqliteCatalog } from "../../../src/catalog/sqlite.ts";
import { emptyTypeShape } from "../../../src/events/schema/shape.ts";
import type { EventKey, InstanceId, ReplayId, VersionId } from "../../../src/foundation/ids.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { ManualClock } from "../../support/manual-clock.ts";

/** A database that remembers which statements were prepared on it. */
class RecordingDatabase extends DatabaseSync {
  readonly statements = new Set<string>();

  override prepare(sql: string) {
    this.statements.add(sql);
    return super.prepare(sql);
  }
}

async function openRecording() {
  const database = new RecordingDatabase(":memory:");
  onTestFinished(() => database.close());
  const clock = new ManualClock();
  const ids = createIds(clock, systemRandom);
  const catalog = await openSqliteCatalog({ database, clock, ids, log: silentLog });
  database.statements.clear();
  return { database, scene: new Scene(catalog, clock, ids) };
}

/** Tables that grow with history or load. The others hold what people made: some thousands of rows. */
const growing =
  /executions|ledger|bodies|steps|flows|run_requests|batches|replays|captured|jobs|schedule_misses|throttle_starts|alert_episodes|alert_states/;

/** What makes a statement cost more the more rows there are: reading a table or index from end to end, and sorting. */
function costlySteps(database: DatabaseSync, sql: string): string[] {
  const plan = database.prepare(`explain query plan ${sql}`).all() as { detail: string }[];
  return plan
    .map(({ detail }) => detail)
    .filter((detail) => /TEMP B-TREE/.test(detail) || (/^SCAN/.test(detail) && growing.test(detail)));
}

const executionFilters: ExecutionFilter[] = [
  { project: "default" },
  { service: "default/hello" },
  { status: ["failed"] },
  { status: ["failed"], retried: false },
  { status: ["pending", "in_progress"] },
  { trigger: "manual" },
  { eventKey: "key" as EventKey },
  { correlationId: "flow" },
  { from: 1, to: 2 },
  { service: "default/hello", status: ["failed"], from: 1, to: 2 },
  { service: "default/hello", status: ["failed"], correlationId: "flow" },
  { project: "default", status: ["failed"], trigger: "event" },
];

const ledgerFilters: LedgerFilter[] = [
  { type: "order.placed" },
  { source: "/shop" },
  { id: "1" },
  { correlationId: "flow" },
  { project: "default" },
  { outcome: "rejected" },
  { from: 1, to: 2 },
  { type: "order.placed", outcome: "unmatched", from: 1 },
];

test("every filter of the lists walks an index in the order of the list: nothing is read through, nothing sorted", async () => {
  const { database, scene } = await openRecording();
  await scene.deploy();
  await scene.route(...Array.from({ length: 4 }, () => scene.event()));
  const { executions, ledger } = scene.catalog;
  const after = (await executions.list({}, { limit: 2 })).next;
  const afterLedger = (await ledger.list({}, { limit: 2 })).next;
  database.statements.clear();
  for (const filter of executionFilters) {
    await executions.list(filter, { limit: 10 });
    await executions.list(filter, { limit: 10, after });
    await executions.count(filter);
  }
  for (const filter of ledgerFilters) {
    await ledger.list(filter, { limit: 10 });
    await ledger.list(filter, { limit: 10, after: afterLedger });
  }
  expect(database.statements.size).toBeGreaterThan(30);
  const costly = [...database.statements].map((sql) => ({ sql, steps: costlySteps(database, sql) }));
  expect(costly.filter(({ steps }) => steps.length > 0)).toEqual([]);
});

test("the first page of everything walks the index of time from its end", async () => {
  const { database, scene } = await openRecording();
  await scene.catalog.executions.list({}, { limit: 10 });
  await scene.catalog.ledger.list({}, { limit: 10 });
  const plans = [...database.statements]
    .filter((sql) => /order by/.test(sql))
    .map((sql) => (database.prepare(`explain query plan ${sql}`).all() as { detail: string }[])[0]?.detail);
  expect(plans).toEqual([
    expect.stringMatching(/USING INDEX executions_by_time$/),
    expect.stringMatching(/USING INDEX ledger_by_time$/),
  ]);
});

test("D4: routing, claiming, renewing, finishing and recovery read nothing through, whatever has been there before", async () => {
  const { database, scene } = await openRecording();
  await scene.deploy("hello");
  await scene.deploy("keyed", { concurrency_key: "event.subject" });
  const queue = { limit: 1, policy: "drop_oldest" };
  await scene.deploy("limited", { concurrency: 1, throttle: { limit: 1, period: 60 }, queue });
  await scene.deploy("refusing", { queue: { limit: 1 }, trigger_events: ["order.refused"] });
  database.statements.clear();
  await scene.route(scene.event({ subject: "a" }), scene.event({ subject: "a", fxexecution: "none" }));
  await scene.route(scene.event({ type: "order.refused" }), scene.event({ type: "order.refused" }));
  const { leases, executions } = scene.catalog;
  const [waiting] = (await executions.list({ service: "default/limited", status: ["pending"] }, { limit: 1 })).items;
  if (waiting) await executions.move(waiting.id, "high");
  const { items: all } = await executions.list({ status: ["pending"] }, { limit: 10 });
  for (const { id } of all) await executions.waitsFor(id);
  const [first, second, third] = await scene.claim();
  if (!first || !second || !third) throw new Error("three were to be claimed");
  await leases.renew([held(first)], 1000);
  await leases.recordSteps([{ ...held(first), steps: [step(1, "in_progress")] }]);
  await scene.finish(first, { kind: "completed" }, [step(1, "completed")]);
  await leases.release([held(second)]);
  await executions.cancel(third.execution.id);
  await leases.expire(10);
  await leases.expireOthers([]);
  await leases.expireOthers(["executor-2" as InstanceId]);
  await leases.nextDue();
  await scene.claim({ limit: 1, except: [{ project: "default", service: "hello" }] });
  await leases.nextDue("later");
  await executions.retry(first.execution.id, { newId: scene.newExecutionId(), version: "same" });
  await executions.get(first.execution.id);
  await executions.steps(first.execution.id);
  await scene.catalog.ledger.get(first.execution.eventKey);
  await scene.catalog.ledger.digests([first.execution.eventKey]);
  await scene.catalog.ledger.since(0, {}, 10);
  await scene.catalog.ledger.latestSeq();
  await scene.catalog.services.version("hello-1" as VersionId);
  await scene.catalog.ledger.typesBelow("order.", 10);
  await scene.catalog.services.delete("default", "keyed");
  await scene.sent();
  const costly = [...database.statements].map((sql) => ({ sql, steps: costlySteps(database, sql) }));
  expect(costly.filter(({ steps }) => steps.length > 0)).toEqual([]);
});

test("D13: pruning finds what is old by an index, not by reading what is not", async () => {
  const { database, scene } = await openRecording();
  await scene.deploy();
  await scene.route(scene.event());
  await scene.finish(await scene.claimOne(), { kind: "completed" });
  scene.clock.advance(1000);
  database.statements.clear();
  await scene.catalog.retention.prune({ ledgerMs: 1, bodiesMs: 1, executionsMs: 1 }, 10);
  expect(database.statements.size).toBeGreaterThan(8);
  const costly = [...database.statements].map((sql) => ({ sql, steps: costlySteps(database, sql) }));
  expect(costly.filter(({ steps }) => steps.length > 0)).toEqual([]);
});

test("a replay reads its flow and its own executions by an index, whatever else there is", async () => {
  const { database, scene } = await openRecording();
  await scene.deploy();
  await scene.start({ correlationid: "flow" });
  await scene.finish(await scene.claimOne(), { kind: "completed" });
  database.statements.clear();
  const { replays } = scene.catalog;
  const { replay } = await replays.create({ id: "replay" as ReplayId, correlationId: "flow", versions: {} });
  const claimed = await scene.claimOne();
  await scene.catalog.leases.finish([
    { ...held(claimed), steps: [], captured: { effects: [], count: 0 }, outcome: { kind: "completed" } },
  ]);
  await replays.get(replay.id);
  const { next } = await replays.list({}, { limit: 1 });
  await replays.list({ correlationId: "flow" }, { limit: 1, after: next });
  await replays.captured(claimed.execution.id);
  await replays.executions(replay.id);
  await replays.delete(replay.id);
  // The first page of all replays walks the index of time from its end, and stops.
  const others = [...database.statements].filter((sql) => !/from "replays" order by/.test(sql));
  const costly = others.map((sql) => ({ sql, steps: costlySteps(database, sql) }));
  expect(costly.filter(({ steps }) => steps.length > 0)).toEqual([]);
});

test("event types are listed along the index of their names, and a search for a part of one reads no more than the names", async () => {
  const { database, scene } = await openRecording();
  const { eventTypes } = scene.catalog;
  const shape = emptyTypeShape();
  const types = Array.from({ length: 5 }, (_, n) => `order.t${n}`);
  const observations = types.map((type) => {
    return { type, count: 1, firstSeen: 1, lastSeen: 1, producers: [], shape, known: false };
  });
  await eventTypes.learn(observations);
  await eventTypes.learn(observations);
  await eventTypes.get("order.t1");
  await eventTypes.version("order.t1", 1);
  await eventTypes.versions("order.t1");
  await eventTypes.shapes(types);
  await eventTypes.forget("order.t1");
  const plansOf = () => [...database.statements].flatMap((sql) => database.prepare(`explain query plan ${sql}`).all());
  const details = () => (plansOf() as { detail: string }[]).map(({ detail }) => detail);
  // Of each statement, those that count the types alone read through: the names, before a new one is inserted.
  expect(details().filter((detail) => /TEMP B-TREE|^SCAN (?!event_types USING COVERING INDEX)/.test(detail))).toEqual(
    [],
  );

  const plan = async (filter: { prefix?: string; contains?: string }, after?: string) => {
    database.statements.clear();
    const { next } = await eventTypes.list(filter, { limit: 2, after });
    return [details(), next] as const;
  };
  const [first, next] = await plan({});
  expect(first).toEqual([expect.stringMatching(/^SCAN event_types USING INDEX/)]);
  for (const filter of [{}, { prefix: "order." }, { prefix: "order.", contains: "t" }]) {
    const [walked] = await plan(filter, next);
    expect(walked).toEqual([expect.stringMatching(/^SEARCH event_types USING INDEX .*\(type>/)]);
  }
  expect((await plan({ contains: "T4" }))[0]).toEqual([expect.stringMatching(/^SCAN event_types USING INDEX/)]);
});

test("mappings are found by their content and read for the routers without sorting; an event that is mapped reads nothing through", async () => {
  const { database, scene } = await openRecording();
  const { mappings } = scene.catalog;
  const content = { name: undefined, project: undefined, filter: undefined, strategy: "all", fields: [] } as const;
  const { mapping } = await mappings.create({ ...content, fromType: "order.placed", toType: "a", active: true });
  await mappings.create({ ...content, fromType: "order.placed", toType: "b", active: true });
  database.statements.clear();
  await mappings.create({ ...content, fromType: "order.placed", toType: "a", active: true });
  await mappings.update(mapping.id, { filter: "true" });
  await mappings.get(mapping.id);
  const { next } = await mappings.list({}, { limit: 1 });
  await mappings.list({}, { limit: 1, after: next });
  await scene.catalog.links.snapshot();
  await scene.route(scene.event(), scene.event());
  await scene.catalog.ledger.typesBelow("order.", 10);
  await scene.catalog.ledger.typesBelow("order.", 1);
  await mappings.delete(mapping.id);
  const statements = [...database.statements];
  expect(statements.filter((sql) => /min\(type\)/.test(sql))).toHaveLength(1);
  const costly = statements.map((sql) => ({ sql, steps: costlySteps(database, sql) }));
  expect(costly.filter(({ steps }) => steps.length > 0)).toEqual([]);
  const plans = statements
    .filter((sql) => /from "?(mappings|ledger)"? where/.test(sql) && !/order by/.test(sql))
    .flatMap((sql) =>
      (database.prepare(`explain query plan ${sql}`).all() as { detail: string }[]).map((row) => row.detail),
    );
  expect(plans.filter((detail) => /SCAN/.test(detail))).toEqual([]);
});

test("D18: schedules and jobs that are due, and lists of them, are found by an index; what is not due is not read", async () => {
  const { database, scene } = await openRecording();
  await scene.deploy("tick", { schedule: "0 * * * *", trigger_events: [] });
  await scene.deploy();
  await scene.start();
  await scene.start();
  const claimed = await scene.claim();
  const { schedules, jobs, retention } = scene.catalog;
  database.statements.clear();
  const at = (await schedules.nextDue()) as number;
  const [due] = await schedules.due(at, 10);
  if (due === undefined) throw new Error("the schedule is due");
  await schedules.advance(due, { to: at, next: at + 1, missed: { first: at, last: at, count: 1 } });
  await schedules.pause("default", "tick", true);
  await schedules.misses("default", "tick", 10);
  for (const lease of claimed) await jobs.put(held(lease), at, { page: 2 });
  for (const filter of [{}, { project: "default" }, { project: "default", service: "hello" }]) {
    const { next } = await jobs.list(filter, { limit: 1 });
    await jobs.list(filter, { limit: 1, after: next });
  }
  await schedules.list({}, { limit: 10 });
  await schedules.list({ project: "default" }, { limit: 10 });
  await jobs.nextDue();
  const [first, second] = await jobs.due(at, 10);
  if (first === undefined || second === undefined) throw new Error("two jobs are due");
  await jobs.start(first, { id: scene.newExecutionId(), key: "retry" as EventKey, concurrencyKey: undefined });
  await jobs.cancel(second.id);
  await retention.prune({ ledgerMs: 1, bodiesMs: 1, executionsMs: 1 }, 10);
  await scene.catalog.services.delete("default", "hello");
  expect([...database.statements].filter((sql) => /jobs|schedule_/.test(sql)).length).toBeGreaterThan(15);
  // Two walk the pending jobs by their time, and stop at the limit.
  const walked = /^SCAN (j|jobs) USING INDEX jobs_pending$/;
  const costly = [...database.statements].map((sql) => {
    return { sql, steps: costlySteps(database, sql).filter((step) => !(walked.test(step) && /limit/.test(sql))) };
  });
  expect(costly.filter(({ steps }) => steps.length > 0)).toEqual([]);
});

test("what is due walks an index that holds nothing but what waits, and stops", async () => {
  const { database, scene } = await openRecording();
  await scene.catalog.schedules.due(1, 10);
  await scene.catalog.schedules.nextDue();
  await scene.catalog.jobs.due(1, 10);
  await scene.catalog.jobs.nextDue();
  const plans = [...database.statements].map(
    (sql) => (database.prepare(`explain query plan ${sql}`).all() as { detail: string }[])[0]?.detail,
  );
  expect(plans).toEqual([
    expect.stringMatching(/^SEARCH s USING INDEX services_due \(schedule_next/),
    expect.stringMatching(/USING (COVERING )?INDEX services_due/),
    expect.stringMatching(/^SEARCH j USING INDEX jobs_pending \(at</),
    expect.stringMatching(/^SCAN j USING INDEX jobs_pending$/),
  ]);
});

test("alerts are settled by indexes, however many subjects and episodes there have been", async () => {
  const { database, scene } = await openRecording();
  await scene.deploy("hello", { schedule: "*/5 * * * *" });
  const { alerts } = scene.catalog;
  const rule = { project: undefined, description: undefined, severity: "info", active: true } as const;
  const silent = { kind: "silence", type: "beat", for: 1 } as const;
  const { id, revision } = await alerts.rules.create({ ...rule, name: "silent", condition: silent });
  await alerts.rules.create({ ...rule, name: "late", condition: { kind: "lateness", grace: 1 } });
  scene.clock.advance(3_600_000);
  database.statements.clear();
  const place = { topic: "fx.events", partition: 0, offset: 0 };
  const sighting = { ...place, ruleId: id, revision, subject: "beat", at: scene.clock.now(), key: "" };
  const readThrough = { at: scene.clock.now(), ends: [] };
  expect(await alerts.settle({ positions: [], sightings: [], readThrough })).toMatchObject({ raised: 2 });
  expect(await alerts.settle({ positions: [], sightings: [sighting], readThrough })).toMatchObject({ resolved: 1 });
  const { next } = await alerts.episodes({}, { limit: 1 });
  await alerts.episodes({ ruleId: id }, { limit: 1, after: next });
  await alerts.rules.delete(id);
  // The first page of all walks the index of ids from its end, and stops.
  const others = [...database.statements].filter((sql) => !/from "alert_episodes" order by/.test(sql));
  const costly = others.map((sql) => ({ sql, steps: costlySteps(database, sql) }));
  expect(costly.filter(({ steps }) => steps.length > 0)).toEqual([]);
});
