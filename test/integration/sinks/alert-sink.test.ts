import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import type { AlertCondition } from "../../../src/alerts/alert-rule.ts";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import type { AlertStore } from "../../../src/catalog/alerts.ts";
import { openSqliteCatalog } from "../../../src/catalog/sqlite.ts";
import { encodeRecord } from "../../../src/events/bus-binding.ts";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import { topics } from "../../../src/events/topics.ts";
import type { Execution } from "../../../src/executions/execution.ts";
import { lifecycleEvent } from "../../../src/executions/lifecycle-events.ts";
import { encodeLogRecord } from "../../../src/executions/log-codec.ts";
import type { LogRecord } from "../../../src/executions/log-record.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { AlertSink } from "../../../src/sinks/alert-sink.ts";
import { eventually } from "../../support/eventually.ts";

const clock = systemClock;
const log = silentLog;

async function scene() {
  const database = new DatabaseSync(":memory:");
  const ids = createIds(clock, systemRandom);
  const bus = openSqliteBus({ clock, log, partitions: 2 });
  const catalog = await openSqliteCatalog({ database, clock, ids, log });
  const { alerts } = catalog;
  const sinks: AlertSink[] = [];
  const start = async (store: AlertStore = alerts, on = bus) => {
    const sink = new AlertSink({ bus: on, alerts: store, clock, log, everyMs: 20 });
    await sink.start();
    sinks.push(sink);
    return sink;
  };
  const stop = async () => {
    for (const sink of sinks.splice(0)) await sink.stop();
  };
  onTestFinished(async () => {
    await stop();
    await bus.close();
    database.close();
  });
  const rule = (condition: AlertCondition, name = "rule") =>
    alerts.rules.create({
      name,
      project: undefined,
      description: undefined,
      severity: "warning",
      active: true,
      condition,
    });
  const run = (status: "completed" | "failed", more: Partial<Execution> = {}) => {
    const execution = {
      ...{ id: ids.next(), project: "default", service: "till", version: "v", trigger: "event", eventId: ids.next() },
      ...{ correlationId: "flow", sequence: 0, attempt: 1, createdAt: clock.now(), startedAt: clock.now() - 100 },
      ...more,
    } as unknown as Execution;
    const error = { kind: "exit", message: "exit 1", script: undefined, exitCode: 1 } as const;
    const change = status === "failed" ? { kind: status, error } : { kind: status };
    return encodeRecord(topics.platform, lifecycleEvent(execution, change, clock.now()));
  };
  const event = (type: string) => {
    const event: CloudEvent = { specversion: "1.0", id: ids.next(), source: "/shop", type };
    return encodeRecord(topics.events, event);
  };
  const output = (text: string, seq = 1, more: Partial<LogRecord> = {}) => {
    const record: LogRecord = {
      ...{ executionId: "run-1", project: "default", service: "till", attempt: 1, step: 1, script: "main.py" },
      ...{ seq, at: clock.now(), stream: "stdout", level: undefined, bytes: Buffer.from(text) },
      ...more,
    };
    return encodeLogRecord(record);
  };
  const found = async () => (await alerts.episodes({}, { limit: 100 })).items;
  const told = async () => (await catalog.outbox.peek(100)).map(({ event }) => event.type);
  /** Waits until everything that is on the bus is settled. */
  const settled = () =>
    eventually(async () => {
      const read = new Map((await alerts.positions()).map((one) => [`${one.topic}/${one.partition}`, one.offset]));
      for (const topic of [topics.events, topics.platform, topics.logs]) {
        for (const { partition, next } of await bus.offsets(topic)) {
          expect(read.get(`${topic}/${partition}`) ?? 0).toBe(next);
        }
      }
      return true;
    });
  return { alerts, bus, start, stop, rule, run, event, output, found, told, settled };
}

const failing: AlertCondition = { kind: "failure_rate", service: undefined, window: 2, percent: 50, minimum: 3 };

test("runs that fail raise an alert once, and it is resolved once the window has passed them", async () => {
  const { bus, start, rule, run, found, told } = await scene();
  await start();
  await rule(failing);
  await bus.publish([run("failed"), run("completed"), run("failed"), run("failed"), run("failed")]);
  await eventually(async () => expect(await found()).toMatchObject([{ subject: "default/till" }]));
  const [episode] = await eventually(async () => {
    const all = await found();
    return all[0]?.end && all;
  });
  expect(episode).toMatchObject({ end: { why: "passed" } });
  expect(await told()).toEqual(["fx.alert.raised", "fx.alert.resolved"]);
});

test("nothing is read while there is no rule, and the first one sees everything that came after it was made", async () => {
  const { alerts, bus, start, rule, run, found, settled } = await scene();
  await start();
  await bus.publish([run("failed"), run("failed"), run("failed")]);
  expect(await alerts.positions()).toEqual([]);
  const before = clock.now();
  await eventually(() => clock.now() > before);
  const { id } = await rule({ ...failing, window: 300 });
  await bus.publish([run("failed"), run("failed")]);
  await settled();
  expect(await found()).toEqual([]);
  await bus.publish([run("failed")]);
  await eventually(async () => expect(await found()).toMatchObject([{ facts: { ended: 3, failed: 3 } }]));

  await alerts.rules.delete(id);
  await bus.publish([run("failed"), run("failed")]);
  const { id: second } = await rule({ ...failing, minimum: 2, window: 300 });
  await bus.publish([run("failed"), run("failed")]);
  await eventually(async () => expect((await found())[0]).toMatchObject({ ruleId: second }));
});

test("a lifecycle event that came by the topic of outsiders, and the end of a replay, count for nothing", async () => {
  const { bus, start, rule, run, found, settled } = await scene();
  await start();
  await rule({ ...failing, minimum: 1, window: 300 });
  await bus.publish([
    { ...run("failed"), topic: topics.events },
    run("failed", { trigger: "replay" }),
    run("completed"),
  ]);
  await settled();
  expect(await found()).toEqual([]);
});

test("silence is raised though nothing is sent, and ended by the next event", async () => {
  const { bus, start, rule, event, found, told } = await scene();
  await start();
  await rule({ kind: "silence", type: "shop.*", for: 1 });
  await eventually(async () => expect(await found()).toMatchObject([{ subject: "shop.*", end: undefined }]));
  await bus.publish([event("shop.beat")]);
  await eventually(async () => expect(await told()).toEqual(expect.arrayContaining(["fx.alert.resolved"])));
});

test("a line is found in pieces, counted once, and not before all lines that were asked for are there", async () => {
  const { bus, start, rule, output, found, settled } = await scene();
  await start();
  await rule({ kind: "log_pattern", query: '"out of memory" service:till', count: 2, window: 300 });
  await bus.publish([
    output("all is well\nout of"),
    output(" memory", 2),
    output(" again\n", 3),
    output("out of time\n", 4),
  ]);
  await settled();
  expect(await found()).toEqual([]);
  await bus.publish([output("OUT OF MEMORY", 1, { executionId: "run-2", stream: "log", level: "error" })]);
  const [episode] = await eventually(async () => {
    const all = await found();
    return all.length > 0 && all;
  });
  expect(episode).toMatchObject({ facts: { lines: 2, line: "OUT OF MEMORY", executionId: "run-2" } });
});

test("a service that takes far longer than it used to is found, and found well again", async () => {
  const { bus, start, rule, run, found } = await scene();
  await start();
  await rule({ kind: "duration", service: "default/till", deviations: 4, direction: "slower", runs: 2, minimum: 20 });
  const taking = (ms: number) => run("completed", { startedAt: clock.now() - ms } as Partial<Execution>);
  await bus.publish(Array.from({ length: 30 }, (_, n) => taking(100 + (n % 7))));
  await bus.publish([taking(5000), taking(100), taking(4000), taking(6000)]);
  const [episode] = await eventually(async () => {
    const all = await found();
    return all.length > 0 && all;
  });
  expect(episode?.facts).toMatchObject({ runs: 2 });
  // Near the median of what ran before; how near, the batches decide that were settled together.
  expect(episode?.facts.usualMs).toBeGreaterThan(95);
  expect(episode?.facts.usualMs).toBeLessThan(115);
  await bus.publish([taking(101), taking(103)]);
  await eventually(async () => expect(await found()).toMatchObject([{ end: { why: "passed" } }]));
});

test("D1: a sink that dies between settling and committing leaves nothing to be counted twice", async () => {
  const { alerts, bus, start, stop, rule, run, found, settled } = await scene();
  await rule({ ...failing, window: 300, minimum: 4 });
  let settles = 0;
  const dying: AlertStore = {
    ...alerts,
    async settle(reading) {
      await alerts.settle(reading);
      settles += 1;
      throw new PlatformError("unavailable", "the answer was lost");
    },
  };
  await start(dying);
  await bus.publish([run("failed"), run("failed"), run("failed")]);
  await eventually(() => settles > 3);
  await stop();
  await start();
  await settled();
  expect(await found()).toEqual([]);
  await bus.publish([run("failed")]);
  await eventually(async () => expect(await found()).toMatchObject([{ facts: { failed: 4 } }]));
});

test("two sinks share the partitions, and raise one alert between them", async () => {
  const { bus, start, rule, run, found, told, settled } = await scene();
  await Promise.all([start(), start()]);
  await rule({ ...failing, window: 300, minimum: 40 });
  for (let n = 0; n < 8; n += 1) {
    await bus.publish(
      Array.from({ length: 5 }, () => run("failed", { correlationId: `flow-${n}` } as Partial<Execution>)),
    );
  }
  await settled();
  expect(await found()).toMatchObject([{ facts: { failed: 40 } }]);
  expect(await told()).toEqual(["fx.alert.raised"]);
});

test("D13: after the bus was lost, what comes on a new one is seen, though its offsets had been read before", async () => {
  const { bus, start, stop, rule, run, found, alerts, settled } = await scene();
  await start();
  await rule({ ...failing, window: 300, minimum: 7 });
  await bus.publish([run("failed"), run("failed"), run("completed"), run("completed")]);
  await settled();
  await stop();
  const other = openSqliteBus({ clock, log, partitions: 2 });
  onTestFinished(() => other.close());
  await other.publish([run("failed"), run("failed"), run("failed")]);
  await start(alerts, other);
  await eventually(async () => expect(await found()).toMatchObject([{ facts: { ended: 7, failed: 5 } }]));
  await stop();
});
