import { expect, onTestFinished, test } from "vitest";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import { encodeRecord } from "../../../src/events/bus-binding.ts";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import { topics } from "../../../src/events/topics.ts";
import type { Execution } from "../../../src/executions/execution.ts";
import { lifecycleEvent } from "../../../src/executions/lifecycle-events.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { SqliteOpsData } from "../../../src/ops-data/sqlite.ts";
import { HistorySink } from "../../../src/sinks/history-sink.ts";
import { eventually } from "../../support/eventually.ts";

const execution = {
  id: "e-1",
  project: "shop",
  service: "till",
  version: "v-1",
  trigger: "schedule",
  eventKey: "k-1",
  eventId: "event-1",
  correlationId: "flow-1",
  sequence: 0,
  attempt: 1,
  priority: 5,
  lane: "regular",
  createdAt: 1_767_225_600_000,
  startedAt: 1_767_225_600_040,
} as unknown as Execution;

test("events of both topics become searchable and lifecycle events history, what is no event is passed over, repeats add nothing", async () => {
  const bus = openSqliteBus({ clock: systemClock, log: silentLog, partitions: 2 });
  const opsData = await SqliteOpsData.open({ path: ":memory:", log: silentLog });
  const sink = new HistorySink({ bus, history: opsData.history, clock: systemClock, log: silentLog, batchSize: 3 });
  onTestFinished(async () => {
    await sink.stop();
    await bus.close();
    await opsData.close();
  });
  const placed: CloudEvent = { specversion: "1.0", id: "1", source: "/shop", type: "order.placed", data: { n: 17 } };
  const finishedAt = 1_767_225_600_140;
  const records = [
    { topic: topics.events, key: "x", value: Buffer.from("no event") },
    encodeRecord(topics.events, placed),
    encodeRecord(topics.platform, lifecycleEvent(execution, { kind: "started", token: 1 }, 1_767_225_600_040)),
    encodeRecord(topics.platform, lifecycleEvent(execution, { kind: "completed" }, finishedAt)),
  ];
  await bus.publish([...records, ...records]);
  await sink.start();
  const all = {
    query: { kind: "all" as const },
    from: 0,
    to: Number.POSITIVE_INFINITY,
    limit: 10,
    timeLimitMs: 60_000,
  };
  await eventually(async () => expect((await opsData.search.events(all)).items).toHaveLength(3));
  await bus.publish(records);
  await bus.publish([encodeRecord(topics.events, { ...placed, id: "2" })]);
  const { items } = await eventually(async () => {
    const found = await opsData.search.events(all);
    expect(found.items).toHaveLength(4);
    return found;
  });
  expect(items.map(({ type }) => type).sort()).toEqual([
    "fx.execution.completed",
    "fx.execution.started",
    "order.placed",
    "order.placed",
  ]);
  const stats = await opsData.history.executionStats({
    from: finishedAt - 1000,
    to: finishedAt + 1,
    by: ["service", "status", "trigger"],
  });
  expect(stats).toMatchObject([
    { project: "shop", service: "till", status: "completed", trigger: "schedule", count: 1 },
  ]);
  expect(stats[0]?.duration.maxMs).toBe(100);
  expect(stats[0]?.queue.maxMs).toBe(40);
});
