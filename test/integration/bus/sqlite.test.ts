import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { busContract } from "../../../src/bus/bus.contract.ts";
import type { Bus } from "../../../src/bus/bus.ts";
import { openSqliteBus, type SqliteBusOptions } from "../../../src/bus/sqlite.ts";
import { topics } from "../../../src/events/topics.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { tempDir } from "../../support/temp-dir.ts";

const common = { clock: systemClock, log: silentLog };

function open(options: Partial<SqliteBusOptions>): Bus {
  const bus = openSqliteBus({ ...common, ...options });
  onTestFinished(() => bus.close());
  return bus;
}

function reopening(options: Partial<SqliteBusOptions>) {
  const bus = open(options);
  return {
    bus,
    reopen: async () => {
      await bus.close();
      return open(options);
    },
  };
}

describe("a file", () => {
  busContract({
    capabilities: { retentionByClock: true },
    open: async (options) => reopening({ ...options, path: join(tempDir(), "bus.db") }),
  });
});

describe("memory, with commits at the end of a microtask", () => {
  busContract({
    capabilities: { retentionByClock: true },
    open: async (options) => {
      const database = new DatabaseSync(":memory:");
      onTestFinished(() => database.close());
      return reopening({ ...options, database, defer: queueMicrotask });
    },
  });
});

const event = (key: string, value: string) => ({ topic: topics.events, key, value: Buffer.from(value) });

test("what was acknowledged before kill -9 is there afterwards, in order and without gaps", async () => {
  const path = join(tempDir(), "bus.db");
  const child = spawn(process.execPath, [join(import.meta.dirname, "publish-until-killed.ts"), path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const acknowledged: { value: string; partition: number; offset: number }[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(JSON.parse(line));
    if (acknowledged.length === 300) child.kill("SIGKILL");
  }
  await exited;
  expect(child.signalCode).toBe("SIGKILL");
  const bus = open({ path });
  for (const { partition, next } of await bus.offsets(topics.events)) {
    const read = await bus.peek(topics.events, partition, 0, 1_000_000);
    expect(read.map(({ offset }) => offset)).toEqual(Array.from({ length: next }, (_, offset) => offset));
    const stored = new Map(read.map(({ offset, value }) => [offset, Buffer.from(value).toString()]));
    for (const ack of acknowledged.filter((other) => other.partition === partition)) {
      expect(stored.get(ack.offset)).toBe(ack.value);
    }
  }
});

test("publish calls of one turn are one transaction", async () => {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  const bus = open({ database, partitions: 1 });
  await bus.publish([event("k", "topic is made")]);
  await Promise.all(Array.from({ length: 100 }, (_, n) => bus.publish([event("k", `${n}`)])));
  const batches = database.prepare("select base, count from batches order by base").all();
  expect(batches.map((row) => ({ ...row }))).toEqual([
    { base: 0, count: 1 },
    { base: 1, count: 100 },
  ]);
});

test("a burst larger than one transaction is several, each of whole publish calls, in order", async () => {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  const bus = open({ database, partitions: 1 });
  const calls = Array.from({ length: 5 }, (_, n) =>
    bus.publish([event("k", `${n}a${"x".repeat(3 * 1024 * 1024)}`), event("k", `${n}b`)]),
  );
  const places = await Promise.all(calls);
  expect(places.flat().map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const read = await bus.peek(topics.events, 0, 0, 100);
  expect(read.map(({ value }) => Buffer.from(value.subarray(0, 2)).toString()).join(" ")).toBe(
    "0a 0b 1a 1b 2a 2b 3a 3b 4a 4b",
  );
});

test("a publish under way when the bus is closed is durable first", async () => {
  const path = join(tempDir(), "bus.db");
  const bus = open({ path, partitions: 1 });
  const published = bus.publish([event("k", "last words")]);
  await bus.close();
  expect(await published).toEqual([{ partition: 0, offset: 0 }]);
  expect(await open({ path }).peek(topics.events, 0, 0, 1)).toHaveLength(1);
});

test("a full disk refuses the publish whole, and the bus goes on by itself once there is space", async () => {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  const bus = open({ database, partitions: 2 });
  await bus.publish([event("a", "kept")]);
  const { page_count: pages } = database.prepare("pragma page_count").get() as { page_count: number };
  database.exec(`pragma max_page_count = ${pages + 20}`);
  const before = await bus.offsets(topics.events);
  const small = bus.publish([event("small", "in the same commit")]);
  const large = bus.publish([event("large", "x".repeat(1024 * 1024))]);
  await expect(large).rejects.toMatchObject({ code: "unavailable", retryable: true });
  await expect(small).rejects.toMatchObject({ code: "unavailable", retryable: true });
  expect(await bus.offsets(topics.events)).toEqual(before);
  expect(await bus.publish([event("a", "fits")])).toEqual([{ partition: expect.any(Number), offset: 1 }]);
  database.exec("pragma max_page_count = 1000000");
  const [place] = await bus.publish([event("large", "x".repeat(1024 * 1024))]);
  expect(await bus.peek(topics.events, place?.partition ?? -1, place?.offset ?? -1, 1)).toHaveLength(1);
});

test("opening anew on the same database shuts the bus of before out, and what it had not committed is gone", async () => {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  const before = open({ database, partitions: 1 });
  await before.publish([event("k", "committed")]);
  const subscription = await before.subscribe({ group: "g", topics: [topics.events], from: "earliest", maxRecords: 9 });
  const lost = before.publish([event("k", "on its way")]);
  const after = open({ database });
  await expect(lost).rejects.toMatchObject({ code: "unavailable" });
  await expect(before.publish([event("k", "too late")])).rejects.toMatchObject({ code: "unavailable" });
  expect(await subscription.next()).toBeUndefined();
  await expect(subscription.commit([{ topic: topics.events, partition: 0, offset: 1 }])).rejects.toMatchObject({
    code: "unavailable",
  });
  expect(await after.offsets(topics.events)).toEqual([{ partition: 0, earliest: 0, next: 1 }]);
});

test("partitions can be added at a later start, not removed", async () => {
  const path = join(tempDir(), "bus.db");
  const first = open({ path, partitions: 2 });
  await first.publish([event("k", "1")]);
  await first.close();
  const grown = open({ path, partitions: { default: 2, [topics.events]: 3 } });
  expect(await grown.offsets(topics.events)).toHaveLength(3);
  await grown.close();
  expect(() => open({ path, partitions: 2 })).toThrow(
    `the topic ${topics.events} has 3 partitions, and 2 are set: partitions can be added, not removed; set at least 3`,
  );
  expect(await open({ path }).offsets(topics.events)).toHaveLength(3);
});

test("a seek past the end reads from the earliest, so that a new file under an old catalog loses nothing", async () => {
  const bus = open({ partitions: 1 });
  await bus.publish([event("k", "new")]);
  const subscription = await bus.subscribe({ group: "g", topics: [topics.events], from: "earliest", maxRecords: 9 });
  subscription.seek({ topic: topics.events, partition: 0, offset: 1000 });
  subscription.seek({ topic: topics.events, partition: 7, offset: 3 });
  expect((await subscription.next())?.map(({ offset }) => offset)).toEqual([0]);
});

test("a commit of a position that cannot be is refused", async () => {
  const bus = open({ partitions: 1 });
  const subscription = await bus.subscribe({ group: "g", topics: [topics.events], from: "earliest", maxRecords: 9 });
  for (const wrong of [{ offset: 1 }, { offset: -1 }, { offset: 0.5 }, { partition: 1 }, { topic: "fx.none" }]) {
    const position = { topic: topics.events, partition: 0, offset: 0, ...wrong };
    await expect(subscription.commit([position])).rejects.toMatchObject({ code: "invalid-input" });
  }
});

test("a listener that throws does not keep a signal from the others", async () => {
  const bus = open({});
  const { promise, resolve } = Promise.withResolvers<void>();
  bus.onSignal("links", () => {
    throw new Error("on purpose");
  });
  bus.onSignal("links", resolve);
  bus.signal("links");
  await promise;
});

test("a long retention is pruned in pieces, and the file is used again", async () => {
  const clock = new ManualClock();
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  const bus = open({ clock, database, partitions: 1, retentionMs: { [topics.events]: 1000 } });
  for (let n = 0; n < 450; n += 1) await bus.publish([event("k", "x".repeat(2000))]);
  clock.advance(2000);
  expect(await bus.prune()).toBe(450);
  const { page_count: pages } = database.prepare("pragma page_count").get() as { page_count: number };
  for (let n = 0; n < 400; n += 1) await bus.publish([event("k", "x".repeat(2000))]);
  expect(database.prepare("pragma page_count").get()).toEqual({ page_count: pages });
});

test("the file can be read by its owner only", async () => {
  const path = join(tempDir(), "bus.db");
  const bus = open({ path });
  await bus.publish([event("k", "1")]);
  for (const suffix of ["", "-wal", "-shm"]) expect(statSync(path + suffix).mode & 0o777).toBe(0o600);
});

test("a record over 16 MiB is refused before anything is stored", async () => {
  const bus = open({ partitions: 1 });
  const large = { topic: topics.events, key: "k", value: new Uint8Array(16 * 1024 * 1024 + 1) };
  await expect(bus.publish([event("k", "1"), large])).rejects.toMatchObject({ code: "limit-exceeded" });
  expect(await bus.offsets(topics.events)).toEqual([]);
});

test("a file of a newer release is refused", () => {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  database.exec("pragma user_version = 99");
  expect(() => open({ database })).toThrow("the bus's file has version 99");
});
