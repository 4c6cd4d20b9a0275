import { expect, onTestFinished, test } from "vitest";
import type { Bus, GroupPosition, SubscribeOptions } from "../../../src/bus/bus.ts";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import { topics } from "../../../src/events/topics.ts";
import { encodeLogRecord } from "../../../src/executions/log-codec.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import type { LogRecord, OpsData, RunLogs } from "../../../src/ops-data/ops-data.ts";
import { SqliteOpsData } from "../../../src/ops-data/sqlite.ts";
import { LogSink } from "../../../src/sinks/log-sink.ts";
import { eventually } from "../../support/eventually.ts";

const record = (seq: number, changes: Partial<LogRecord> = {}): LogRecord => ({
  executionId: "execution-1",
  project: "shop",
  service: "orders",
  attempt: 1,
  step: 0,
  script: "main.py",
  seq,
  at: 1,
  stream: "stdout",
  level: undefined,
  bytes: Buffer.from(`${seq},`),
  ...changes,
});

async function engines(): Promise<{ bus: Bus; opsData: OpsData }> {
  const bus = openSqliteBus({ clock: systemClock, log: silentLog, partitions: 2 });
  const opsData = await SqliteOpsData.open({ path: ":memory:", log: silentLog });
  onTestFinished(async () => {
    await bus.close();
    await opsData.close();
  });
  return { bus, opsData };
}

/** The store, with some calls refused first, as a full disk or a value that it cannot take would. */
function refusing(opsData: RunLogs, refusal: (records: readonly LogRecord[]) => PlatformError | undefined): RunLogs {
  return {
    append: async (records) => {
      const error = refusal(records);
      if (error) throw error;
      await opsData.append(records);
    },
    logs: (query) => opsData.logs(query),
    output: (step, from, to) => opsData.output(step, from, to),
    highestSeq: (executionId, attempt) => opsData.highestSeq(executionId, attempt),
    prune: (before) => opsData.prune(before),
  };
}

async function start(bus: Bus, opsData: RunLogs, gatherMs = 0): Promise<LogSink> {
  const sink = new LogSink({ bus, opsData, clock: systemClock, log: silentLog, batchSize: 10, gatherMs });
  await sink.start();
  onTestFinished(() => sink.stop());
  return sink;
}

const output = async (opsData: OpsData) => {
  const { bytes } = await opsData.output({ executionId: "execution-1", attempt: 1, step: 0 }, 0, 1000);
  return Buffer.from(bytes).toString();
};

async function deadLetters(bus: Bus) {
  const found = [];
  for (const { partition, earliest } of await bus.offsets(topics.deadLetter)) {
    found.push(...(await bus.peek(topics.deadLetter, partition, earliest, 100)));
  }
  return found.map(({ value, headers }) => ({
    value: Buffer.from(value).toString(),
    reason: decodeURIComponent(headers["fx-reason"] ?? ""),
    topic: headers["fx-topic"],
  }));
}

test("what a run wrote before and while the sink reads arrives in order", async () => {
  const { bus, opsData } = await engines();
  await bus.publish(Array.from({ length: 25 }, (_, n) => encodeLogRecord(record(n + 1))));
  await start(bus, opsData);
  await bus.publish([encodeLogRecord(record(26, { bytes: Uint8Array.of(0xff, 0x00, 0x0a) }))]);
  await eventually(async () => expect(await opsData.highestSeq("execution-1", 1)).toBe(26));
  const [last] = await opsData.logs({ executionId: "execution-1", after: { attempt: 1, seq: 25 }, limit: 9 });
  expect([...(last?.bytes ?? [])]).toEqual([0xff, 0x00, 0x0a]);
  expect(await output(opsData)).toContain("1,2,3,4,5,6,7,8,9,10,11,");
});

test("a sink that was stopped goes on where it committed, and what it reads twice is stored once", async () => {
  const { bus, opsData } = await engines();
  const sink = await start(bus, opsData);
  await bus.publish([encodeLogRecord(record(1)), encodeLogRecord(record(2))]);
  await eventually(async () => expect(await opsData.highestSeq("execution-1", 1)).toBe(2));
  await sink.stop();
  await bus.publish([encodeLogRecord(record(2)), encodeLogRecord(record(3))]);
  const { store, batches } = watched(opsData);
  await start(bus, store);
  await eventually(async () => expect(await opsData.highestSeq("execution-1", 1)).toBe(3));
  expect(batches.flat()).toEqual([2, 3]);
  expect(await output(opsData)).toBe("1,2,3,");
});

/** The store, which tells what it was given at once. */
function watched(opsData: RunLogs): { store: RunLogs; batches: number[][] } {
  const batches: number[][] = [];
  return { batches, store: refusing(opsData, (records) => void batches.push(records.map(({ seq }) => seq))) };
}

test("what comes while a sink gathers is written with it, once the batch is full, or by a stop", async () => {
  const { bus, opsData } = await engines();
  const { store, batches } = watched(opsData);
  const sink = await start(bus, store, 600_000);
  for (let seq = 1; seq <= 12; seq += 1) await bus.publish([encodeLogRecord(record(seq))]);
  await eventually(() => batches.flat().length >= 10);
  await sink.stop();
  await bus.publish([encodeLogRecord(record(13))]);
  expect(batches[0]?.length).toBeGreaterThanOrEqual(10);
  expect(batches.length).toBeLessThanOrEqual(2);
  await start(bus, opsData);
  await eventually(async () => expect(await opsData.highestSeq("execution-1", 1)).toBe(13));
  expect(await output(opsData)).toBe("1,2,3,4,5,6,7,8,9,10,11,12,13,");
});

test("a sink that gathers writes what there is when its time is over", async () => {
  const { bus, opsData } = await engines();
  await start(bus, opsData, 50);
  await bus.publish([encodeLogRecord(record(1))]);
  await eventually(async () => expect(await opsData.highestSeq("execution-1", 1)).toBe(1));
  expect(await output(opsData)).toBe("1,");
});

test("an offset that was passed before others of one batch does not set the place of the group back", async () => {
  const { bus, opsData } = await engines();
  const committed: number[] = [];
  const [first] = await bus.publish(Array.from({ length: 8 }, (_, n) => encodeLogRecord(record(n + 1))));
  const partition = first?.partition ?? 0;
  // As a bus whose partitions have marks of transactions: one right before the last record.
  const marked: Bus = Object.create(bus, {
    subscribe: {
      value: async (options: SubscribeOptions) => {
        const subscription = await bus.subscribe(options);
        let isTold = false;
        return Object.assign(Object.create(subscription), {
          next: (signal?: AbortSignal) => subscription.next(signal),
          close: () => subscription.close(),
          passed() {
            const told = isTold ? [] : [{ topic: topics.logs, partition, offset: 2, passed: 1 }];
            isTold = true;
            return told;
          },
          commit(positions: readonly GroupPosition[]) {
            committed.push(...positions.map(({ offset }) => offset));
            return subscription.commit(positions);
          },
        });
      },
    },
  });
  const sink = await start(marked, opsData, 50);
  await eventually(async () => expect(await opsData.highestSeq("execution-1", 1)).toBe(8));
  await sink.stop();
  expect(committed.at(-1)).toBe(8);
});

test("D12: a record that nobody can read goes to the dead letters as it came, and the partition moves on", async () => {
  const { bus, opsData } = await engines();
  const poison = { topic: topics.logs, key: "execution-1", value: Buffer.from("not a log record") };
  await bus.publish([encodeLogRecord(record(1)), poison, encodeLogRecord(record(2))]);
  await start(bus, opsData);
  await eventually(async () => expect(await output(opsData)).toBe("1,2,"));
  expect(await deadLetters(bus)).toEqual([
    { value: "not a log record", reason: "is not a log record", topic: topics.logs },
  ]);
});

test("D12: of a batch that the store refuses only the record at fault is set aside", async () => {
  const { bus, opsData } = await engines();
  await bus.publish(Array.from({ length: 9 }, (_, n) => encodeLogRecord(record(n + 1))));
  const picky = refusing(opsData, (records) =>
    records.some(({ seq }) => seq === 4) ? new PlatformError("limit-exceeded", "seq 4 is too much") : undefined,
  );
  await start(bus, picky);
  await eventually(async () => expect(await output(opsData)).toBe("1,2,3,5,6,7,8,9,"));
  expect((await deadLetters(bus)).map(({ reason }) => reason)).toEqual(["could not be stored: seq 4 is too much"]);
});

test("a store that is down is waited for: nothing is set aside, nothing is lost", async () => {
  const { bus, opsData } = await engines();
  let refusals = 0;
  const flaky = refusing(opsData, () => {
    refusals += 1;
    return refusals <= 3 ? new PlatformError("unavailable", "the disk is full") : undefined;
  });
  await start(bus, flaky);
  await bus.publish([encodeLogRecord(record(1)), encodeLogRecord(record(2))]);
  await eventually(async () => expect(await output(opsData)).toBe("1,2,"));
  expect(refusals).toBeGreaterThan(3);
  expect(await deadLetters(bus)).toEqual([]);
});

test("a sink that waits for its store can be stopped, and what it held is read again", async () => {
  const { bus, opsData } = await engines();
  let tried = false;
  const down = refusing(opsData, () => {
    tried = true;
    return new PlatformError("unavailable", "the disk is full");
  });
  const sink = await start(bus, down);
  await bus.publish([encodeLogRecord(record(1))]);
  await eventually(() => tried);
  await sink.stop();
  await start(bus, opsData);
  await eventually(async () => expect(await output(opsData)).toBe("1,"));
});
