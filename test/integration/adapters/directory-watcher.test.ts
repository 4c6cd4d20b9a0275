import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type AdapterBench, adapterContract } from "../../../src/adapters/adapter.contract.ts";
import type { Adapter } from "../../../src/adapters/adapter.ts";
import { DirectoryWatcher } from "../../../src/adapters/watch/directory-watcher.ts";
import type { Bus, NewRecord } from "../../../src/bus/bus.ts";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import { openSqliteCatalog } from "../../../src/catalog/sqlite.ts";
import { decodeRecord } from "../../../src/events/bus-binding.ts";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import { topics } from "../../../src/events/topics.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDir } from "../../support/temp-dir.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };
const settleMs = 20;

interface WatcherBench extends AdapterBench {
  directory: string;
}

async function openBench(contentBytes = 1024): Promise<WatcherBench> {
  const directory = tempDir();
  const clock = systemClock;
  const ids = createIds(clock, systemRandom);
  const store = openSqliteBus({ path: ":memory:", partitions: 1, clock, log, retentionMs: {} });
  const catalog = await openSqliteCatalog({ path: ":memory:", clock, ids, log });
  let fate: "well" | "fail" | "die" = "well";
  let died: (() => void) | undefined;
  const bus: Pick<Bus, "publish"> = {
    async publish(records: readonly NewRecord[]) {
      const now = fate;
      fate = "well";
      if (now === "fail") throw new PlatformError("unavailable", "the disk is gone for a moment");
      const published = await store.publish(records);
      if (now === "well") return published;
      died?.();
      // Whoever waits for the answer of a dead process waits for ever.
      return new Promise(() => {});
    },
  };
  const make = () =>
    new DirectoryWatcher({
      bus: bus as Bus,
      marks: catalog.adapterMarks,
      clock,
      log,
      directory,
      project: undefined,
      settleMs,
      contentBytes,
    });
  const adapter = make();
  let isDead = false;
  const living: Adapter = {
    name: adapter.name,
    start: () => adapter.start(),
    stop: async () => (isDead ? undefined : adapter.stop()),
  };
  const events = async (): Promise<CloudEvent[]> => {
    const subscription = await store.subscribe({
      group: `look-${ids.next()}`,
      topics: [topics.platform],
      from: "earliest",
      maxRecords: 1000,
    });
    const [end] = await store.offsets(topics.platform);
    const found: CloudEvent[] = [];
    while (found.length < (end?.next ?? 0)) {
      for (const record of (await subscription.next(new AbortController().signal)) ?? []) {
        const decoded = decodeRecord(record);
        if (decoded.ok) found.push(decoded.event);
      }
    }
    await subscription.close();
    return found;
  };
  return {
    directory,
    adapter: living,
    async say(text) {
      writeFileSync(join(directory, `${text}.txt`), text);
    },
    again: make,
    failNextPublish() {
      fate = "fail";
    },
    dieAfterNextPublish() {
      fate = "die";
      isDead = true;
      return new Promise((resolve) => {
        died = resolve;
      });
    },
    events,
    until: (condition) => eventually(async () => condition(await events())).then(() => undefined),
    textOf: ({ data }) => String((data as { text?: string }).text),
    async close() {
      await store.close();
      await catalog.close();
    },
  };
}

adapterContract("the directory watcher", () => openBench());

describe("the directory watcher", () => {
  it("tells of a file below a sub-directory: its path, size, time, hash and content", async () => {
    const bench = await openBench();
    mkdirSync(join(bench.directory, "in"));
    writeFileSync(join(bench.directory, "in", "order.csv"), "id;amount\n1;5\n");
    await bench.adapter.start();
    await bench.until((events) => events.length === 1);
    expect(await bench.events()).toMatchObject([
      {
        type: "fx.file.uploaded",
        subject: "in/order.csv",
        data: {
          path: "in/order.csv",
          sizeBytes: 14,
          text: "id;amount\n1;5\n",
          hash: expect.stringMatching(/^[\w-]{43}$/),
        },
      },
    ]);
    await bench.adapter.stop();
    await bench.close();
  });

  it("carries bytes as base64, and of a large file its hash only", async () => {
    const bench = await openBench(8);
    writeFileSync(join(bench.directory, "a.bin"), Buffer.from([0xff, 0xfe, 0]));
    writeFileSync(join(bench.directory, "b.txt"), "more than eight bytes");
    await bench.adapter.start();
    await bench.until((events) => events.length === 2);
    const [small, large] = (await bench.events()).map(({ data }) => data as Record<string, unknown>);
    expect(small).toMatchObject({ base64: "//4A" });
    expect(large).toMatchObject({ path: "b.txt", sizeBytes: 21, hash: expect.any(String) });
    expect(Object.keys(large ?? {})).not.toContain("text");
    await bench.adapter.stop();
    await bench.close();
  });

  it("passes over what is hidden, unfinished or a link, and takes a file once it has its name", async () => {
    const bench = await openBench();
    const outside = tempDir();
    writeFileSync(join(outside, "private.txt"), "private");
    symlinkSync(join(outside, "private.txt"), join(bench.directory, "link.txt"));
    writeFileSync(join(bench.directory, ".hidden"), "hidden");
    writeFileSync(join(bench.directory, "big.csv.part"), "whole");
    await bench.adapter.start();
    writeFileSync(join(bench.directory, "first.txt"), "first");
    await bench.until((events) => events.length === 1);
    renameSync(join(bench.directory, "big.csv.part"), join(bench.directory, "big.csv"));
    await bench.until((events) => events.length === 2);
    expect((await bench.events()).map(bench.textOf)).toEqual(["first", "whole"]);
    await bench.adapter.stop();
    await bench.close();
  });

  it("tells of a file again when it has changed, and when it came back", async () => {
    const bench = await openBench();
    const file = join(bench.directory, "list.txt");
    await bench.adapter.start();
    writeFileSync(file, "one");
    await bench.until((events) => events.length === 1);
    writeFileSync(file, "two two");
    await bench.until((events) => events.length === 2);
    rmSync(file);
    writeFileSync(join(bench.directory, "other.txt"), "other");
    await bench.until((events) => events.length === 3);
    writeFileSync(file, "three");
    await bench.until((events) => events.length === 4);
    expect((await bench.events()).map(bench.textOf)).toEqual(["one", "two two", "other", "three"]);
    await bench.adapter.stop();
    await bench.close();
  });

  it("waits for a directory that is not there yet", async () => {
    const bench = await openBench();
    rmSync(bench.directory, { recursive: true });
    await bench.adapter.start();
    mkdirSync(bench.directory);
    await bench.say("one");
    await bench.until((events) => events.length === 1);
    await bench.adapter.stop();
    await bench.close();
  });
});
