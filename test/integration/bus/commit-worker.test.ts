import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Worker } from "node:worker_threads";
import { expect, onTestFinished, test } from "vitest";
import type { Bus, Placement } from "../../../src/bus/bus.ts";
import type { CommitOutcome, CommitRows, CommitWriter } from "../../../src/bus/commit-writer.ts";
import { openSqliteBus, SqliteBus } from "../../../src/bus/sqlite.ts";
import { SqliteCommitWriter } from "../../../src/bus/sqlite-commit-writer.ts";
import { topics } from "../../../src/events/topics.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { tempDir } from "../../support/temp-dir.ts";

const common = { clock: systemClock, log: silentLog };
const event = (key: string, value: string, topic: string = topics.events) => ({
  topic,
  key,
  value: Buffer.from(value),
});

async function openFile(
  path = join(tempDir(), "bus.db"),
  partitions = 2,
): Promise<{ bus: SqliteBus; path: string; worker: Worker }> {
  const started = once(process, "worker") as Promise<[Worker]>;
  const bus = openSqliteBus({ ...common, path, partitions });
  onTestFinished(() => bus.close());
  const [worker] = await started;
  return { bus, path, worker };
}

/** Every record of the topic by its place; fails when a partition has a gap. */
async function stored(bus: Bus): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { partition, next } of await bus.offsets(topics.events)) {
    const read = await bus.peek(topics.events, partition, 0, 1_000_000);
    expect(read.map(({ offset }) => offset)).toEqual(Array.from({ length: next }, (_, offset) => offset));
    for (const { offset, value } of read) found.set(`${partition}/${offset}`, Buffer.from(value).toString());
  }
  return found;
}

test("a worker that dies rejects the commit under way at most; offsets go on without gaps and nothing is overwritten", async () => {
  const { bus, path, worker } = await openFile();
  const acknowledged = new Map<string, string>();
  const note = async (value: string) => {
    const [place] = (await bus.publish([event(`key-${value}`, value)])) as [Placement];
    acknowledged.set(`${place.partition}/${place.offset}`, value);
  };
  let current = worker;
  for (let round = 0; round < 15; round += 1) {
    await note(`${round}-before`);
    const published = Promise.allSettled(
      ["a", "b", "c"].map((name) => note(`${round}-${name}-${"x".repeat(round * 20_000)}`)),
    );
    // Alternately before the commit is handed over and while it is written.
    if (round % 2 === 1) await new Promise(setImmediate);
    const next = once(process, "worker") as Promise<[Worker]>;
    await current.terminate();
    for (const outcome of await published) {
      if (outcome.status === "rejected") {
        expect(outcome.reason).toMatchObject({ code: "unavailable", retryable: true });
      }
    }
    await note(`${round}-after`);
    [current] = await next;
  }
  const found = await stored(bus);
  for (const [place, value] of acknowledged) expect(found.get(place)).toBe(value);
  await bus.close();
  const reopened = openSqliteBus({ ...common, path });
  onTestFinished(() => reopened.close());
  expect(await stored(reopened)).toEqual(found);
});

test("a commit that landed although its answer was lost keeps its offsets, and its readers see it", async () => {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  let loses = false;
  const startWriter = (): CommitWriter => {
    const writer = new SqliteCommitWriter(database);
    const lost = { kind: "unknown", error: new PlatformError("unavailable", "the answer is lost") } as const;
    return {
      write: (rows: CommitRows, done: (outcome: CommitOutcome) => void) =>
        writer.write(rows, (outcome) => done(loses ? lost : outcome)),
      close: () => writer.close(),
    };
  };
  const bus = new SqliteBus(database, startWriter, { ...common, database, partitions: 1 });
  onTestFinished(() => bus.close());
  const subscription = await bus.subscribe({ group: "g", topics: [topics.events], from: "earliest", maxRecords: 9 });
  const read = subscription.next();
  loses = true;
  await expect(bus.publish([event("k", "landed")])).rejects.toMatchObject({ code: "unavailable", retryable: true });
  loses = false;
  expect((await read)?.map(({ offset }) => offset)).toEqual([0]);
  expect(await bus.publish([event("k", "next")])).toEqual([{ partition: 0, offset: 1 }]);
  expect([...(await stored(bus)).values()]).toEqual(["landed", "next"]);
});

test("publishing, new topics, positions and pruning meet on one file, and none is refused", async () => {
  const clock = new ManualClock();
  const path = join(tempDir(), "bus.db");
  const bus = openSqliteBus({ clock, log: silentLog, path, partitions: 2, retentionMs: { [topics.events]: 1000 } });
  onTestFinished(() => bus.close());
  const subscription = await bus.subscribe({ group: "g", topics: [topics.events], from: "earliest", maxRecords: 50 });
  let publishing = 8;
  const publisher = async (name: number) => {
    for (let n = 0; n < 60; n += 1) {
      clock.advance(50);
      await bus.publish([event(`${name}-${n}`, "x".repeat(500)), event(`${n % 5}`, `${n}`, topics.state)]);
      if (n % 20 === 0) await bus.publish([event("k", "first", `fx.made-${name}-${n}`)]);
    }
    publishing -= 1;
  };
  let pruned = 0;
  const pruner = async () => {
    while (publishing > 0) pruned += await bus.prune();
  };
  let seen = 0;
  const reader = async () => {
    while (publishing > 0 || seen === 0) {
      for (const { topic, partition, offset } of (await subscription.next()) ?? []) {
        seen += 1;
        await subscription.commit([{ topic, partition, offset: offset + 1 }]);
      }
    }
  };
  const reading = reader();
  await Promise.all([...Array.from({ length: 8 }, (_, name) => publisher(name)), pruner()]);
  await bus.publish([event("last", "wakes the reader")]);
  await reading;
  expect(pruned).toBeGreaterThan(0);
  expect(seen).toBeGreaterThan(0);
  const ends = (await bus.offsets(topics.events)).map(({ next }) => next);
  expect(ends.reduce((sum, next) => sum + next, 0)).toBe(8 * 60 + 1);
  await bus.close();
  const reopened = openSqliteBus({ ...common, path });
  onTestFinished(() => reopened.close());
  expect((await reopened.offsets(topics.events)).map(({ next }) => next)).toEqual(ends);
});

test("the event loop goes on while a commit waits for the file; publishers of meanwhile share the next commit", async () => {
  const { bus, path } = await openFile();
  await bus.publish([event("k", "topic is made")]);
  const other = new DatabaseSync(path);
  onTestFinished(() => other.close());
  other.exec("begin immediate");
  const first = bus.publish([event("k", "first")]);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  const others = Array.from({ length: 50 }, (_, n) => bus.publish([event("k", `${n}`)]));
  await new Promise(setImmediate);
  other.exec("commit");
  await Promise.all([first, ...others]);
  const counts = other.prepare("select count from batches order by base").all() as unknown as { count: number }[];
  expect(counts.map(({ count }) => count)).toEqual([1, 1, 50]);
});

test("a commit that the file refuses is rejected whole, and the bus goes on by itself once it can be written", async () => {
  const path = join(tempDir(), "bus.db");
  const database = new DatabaseSync(path);
  onTestFinished(() => database.close());
  const { bus } = await openFile(path);
  await bus.publish([event("a", "kept")]);
  const before = await bus.offsets(topics.events);
  // A limit of pages would bind one connection only; a trigger binds the worker's too.
  database.exec(`create trigger refusing before insert on batches when length(new.records) > 1000
                 begin select raise(rollback, 'refused'); end`);
  const small = bus.publish([event("small", "in the same commit")]);
  const large = bus.publish([event("large", "x".repeat(100_000))]);
  await expect(large).rejects.toMatchObject({ code: "unavailable" });
  await expect(small).rejects.toMatchObject({ code: "unavailable" });
  expect(await bus.offsets(topics.events)).toEqual(before);
  await bus.publish([event("a", "fits")]);
  database.exec("drop trigger refusing");
  await bus.publish([event("large", "x".repeat(100_000))]);
  expect((await stored(bus)).size).toBe(3);
});

test("closing ends the worker", async () => {
  const { bus, worker } = await openFile();
  const ended = once(worker, "exit");
  await bus.publish([event("k", "1")]);
  await bus.close();
  expect(await ended).toEqual([0]);
});

test("a process ends with its last commit answered, even if it does not close the bus", async () => {
  const path = join(tempDir(), "bus.db");
  const child = spawn(process.execPath, [join(import.meta.dirname, "publish-without-closing.ts"), path]);
  expect(await once(child, "exit")).toEqual([0, null]);
  const { bus } = await openFile(path, 1);
  expect([...(await stored(bus)).values()]).toEqual(["last"]);
});
