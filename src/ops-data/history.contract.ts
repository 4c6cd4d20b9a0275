import fc from "fast-check";
import { expect, test } from "vitest";
import type { CloudEvent } from "../events/cloud-event.ts";
import { parseQuery } from "../search/parse-query.ts";
import { eventFields } from "../search/query-fields.ts";
import type { OpsDataContract } from "./ops-data.contract.ts";
import type { OpsData, StatsKey, StoredEvent } from "./ops-data.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const begin = Date.UTC(2026, 0, 1);

interface Run {
  project: string;
  service: string;
  trigger: string;
  status: string;
  createdAt: number;
  startedAt: number | undefined;
  finishedAt: number;
}

const drawnRun: fc.Arbitrary<Run> = fc
  .record({
    project: fc.constantFrom("shop", "default"),
    service: fc.constantFrom("orders", "till"),
    trigger: fc.constantFrom("event", "manual", "schedule"),
    status: fc.constantFrom("completed", "failed", "cancelled", "skipped"),
    endMs: fc.nat(4 * dayMs),
    ranMs: fc.oneof(fc.nat(50), fc.nat(100_000)),
    waitedMs: fc.nat(5000),
  })
  .map(({ endMs, ranMs, waitedMs, ...facts }) => {
    const finishedAt = begin + endMs;
    const startedAt = facts.status === "skipped" ? undefined : finishedAt - ranMs;
    return { ...facts, finishedAt, startedAt, createdAt: (startedAt ?? finishedAt) - waitedMs };
  });

/** What every driver promises of events and of the history of executions. Calls `test`; call it inside a `describe`. */
export function historyContract({ open }: OpsDataContract): void {
  const stored = (id: string, at: number, changes: Partial<CloudEvent> = {}): StoredEvent => ({
    key: `key-${id}`,
    at,
    event: { specversion: "1.0", id, source: "/shop", type: "order.placed", ...changes } as CloudEvent,
  });
  const lifecycle = (n: number, run: Run, status: string, at: number): StoredEvent => {
    const { project, service, trigger, createdAt, startedAt } = run;
    const facts = { executionId: `e-${n}`, project, service, version: "v-1", attempt: 1, trigger };
    const data = { ...facts, status, createdAt, ...(startedAt === undefined ? {} : { startedAt }) };
    const type = `fx.execution.${status === "in_progress" ? "started" : status}`;
    return stored(`${n}-${status}`, at, { type, time: new Date(at).toISOString(), subject: `e-${n}`, data });
  };
  const eventsOf = (run: Run, n: number) => [
    ...(run.startedAt === undefined ? [] : [lifecycle(n, run, "in_progress", run.startedAt)]),
    lifecycle(n, run, run.status, run.finishedAt),
  ];
  const find = async (opsData: OpsData, q: string) => {
    const query = parseQuery(q, eventFields);
    const always = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, timeLimitMs: 60_000, limit: 100 };
    return (await opsData.search.events({ ...always, query })).items;
  };

  test("events are found by the words of their data and by their attributes, each once however often it is stored", async () => {
    const { opsData, reopen } = await open();
    const apples = stored("a", 1000, { data: { fruit: "Apples", n: 7 }, correlationid: "flow-1", fxproject: "shop" });
    const pears = stored("b", 2000, { data: { fruit: "pears" }, type: "stock.low", subject: "aisle 7" });
    await opsData.history.record([apples, pears]);
    await opsData.history.record([pears, apples]);
    expect((await find(opsData, "")).map(({ eventId }) => eventId)).toEqual(["b", "a"]);
    for (const q of [
      "apples",
      "fruit -pears",
      "type:order.placed",
      "flow:flow-1",
      "project:shop",
      "key:key-a",
      "apples 7",
    ]) {
      expect(await find(opsData, q), q).toMatchObject([
        { eventId: "a", key: "key-a", at: 1000, correlationId: "flow-1" },
      ]);
    }
    expect(await find(await reopen(), 'type:stock.* subject:"aisle 7"')).toMatchObject([
      { eventId: "b", type: "stock.low", subject: "aisle 7", excerpt: '{"fruit":"pears"}' },
    ]);
  });

  test("statistics are those that adding up every execution gives, over any span, in whatever order news come", async () => {
    const { opsData } = await open();
    const runs = fc.sample(drawnRun, { numRuns: 300, seed: 11 });
    const events = runs.flatMap(eventsOf);
    // Some ends before their beginnings, and everything twice.
    const shuffled = [...events].sort((left, right) => (left.key < right.key ? 1 : -1));
    for (const order of [shuffled, events]) {
      for (let at = 0; at < order.length; at += 100) await opsData.history.record(order.slice(at, at + 100));
    }
    const bys: StatsKey[][] = [[], ["status"], ["service", "status"], ["day"], ["hour", "trigger"], ["project", "day"]];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...bys),
        fc.nat(5800),
        fc.nat(5800),
        fc.constantFrom(undefined, "shop"),
        async (by, one, two, project) => {
          const from = begin + Math.min(one, two) * minuteMs;
          const to = begin + Math.max(one, two) * minuteMs;
          const chosen = runs.filter(
            (run) =>
              run.finishedAt >= from && run.finishedAt < to && (project === undefined || run.project === project),
          );
          const rows = await opsData.history.executionStats({ from, to, by, project });
          const expected = new Map<string, Run[]>();
          for (const run of chosen) {
            const key = keyOf(by, { ...run, at: run.finishedAt });
            expected.set(key, [...(expected.get(key) ?? []), run]);
          }
          expect(rows.map((row) => keyOf(by, row)).sort()).toEqual([...expected.keys()].sort());
          for (const row of rows) {
            const own = expected.get(keyOf(by, row)) ?? [];
            expect(row.count).toBe(own.length);
            const started = own.filter(({ startedAt }) => startedAt !== undefined);
            expectStats(
              row.duration,
              started.map(({ startedAt = 0, finishedAt }) => finishedAt - startedAt),
            );
            expectStats(
              row.queue,
              started.map(({ startedAt = 0, createdAt }) => startedAt - createdAt),
            );
          }
        },
      ),
      { numRuns: 100 },
    );
    const slowest = await opsData.history.slowest({ from: begin, to: begin + 5 * dayMs, limit: 5 });
    const longest = runs.map(({ startedAt, finishedAt }) => (startedAt === undefined ? 0 : finishedAt - startedAt));
    expect(slowest.map(({ startedAt, finishedAt }) => finishedAt - startedAt)).toEqual(
      longest.sort((left, right) => right - left).slice(0, 5),
    );
  });

  test("D13: events and executions past their age are neither found nor counted", async () => {
    const { opsData } = await open();
    const run = (finishedAt: number): Run => ({
      project: "shop",
      service: "orders",
      trigger: "event",
      status: "completed",
      createdAt: finishedAt - 20,
      startedAt: finishedAt - 10,
      finishedAt,
    });
    const old = Array.from({ length: 45 }, (_, n) => stored(`old-${n}`, begin + n, { data: "secretive" }));
    await opsData.history.record([...old, ...eventsOf(run(begin + 50), 1)]);
    await opsData.history.record([
      stored("young", begin + 2 * dayMs, { data: "secretive" }),
      ...eventsOf(run(begin + 2 * dayMs), 2),
    ]);
    expect(await opsData.history.prune(begin + dayMs)).toBeGreaterThan(45);
    expect((await find(opsData, "secretive")).map(({ eventId }) => eventId)).toEqual(["young"]);
    const span = { from: begin, to: begin + 3 * dayMs };
    expect(await opsData.history.executionStats({ ...span, by: [] })).toMatchObject([{ count: 1 }]);
    expect(await opsData.history.slowest({ ...span, limit: 9 })).toMatchObject([{ executionId: "e-2" }]);
    expect(await opsData.history.prune(begin + dayMs)).toBe(0);
  });
}

function keyOf(
  by: readonly StatsKey[],
  row: { [Key in "project" | "service" | "status" | "trigger"]?: string } & { at?: number },
): string {
  const at = row.at ?? 0;
  const values: Record<StatsKey, string | undefined> = {
    status: row.status,
    trigger: row.trigger,
    project: row.project,
    service: `${row.project}/${row.service}`,
    day: String(Math.floor(at / dayMs)),
    hour: String(Math.floor(at / hourMs)),
  };
  return by.map((key) => values[key]).join(" ");
}

function expectStats(
  found: { avgMs: number | undefined; maxMs: number | undefined; p50Ms: number | undefined; p95Ms: number | undefined },
  all: readonly number[],
): void {
  if (all.length === 0) {
    expect(found).toEqual({ avgMs: undefined, maxMs: undefined, p50Ms: undefined, p95Ms: undefined });
    return;
  }
  const sorted = [...all].sort((left, right) => left - right);
  const rank = (share: number) => sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? 0;
  expect(found.maxMs).toBe(sorted.at(-1));
  expect(found.avgMs).toBeCloseTo(sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length, 5);
  for (const [estimate, exact] of [
    [found.p50Ms ?? Number.NaN, rank(0.5)],
    [found.p95Ms ?? Number.NaN, rank(0.95)],
  ] as const) {
    expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(exact * 0.026);
  }
}
