import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Worker } from "node:worker_threads";
import { describe, expect, onTestFinished, test } from "vitest";
import type { LogRecord } from "../../../src/executions/log-record.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { migrateSqliteFile } from "../../../src/foundation/sqlite-file.ts";
import { contentsContract } from "../../../src/ops-data/contents.contract.ts";
import { historyContract } from "../../../src/ops-data/history.contract.ts";
import { metricsContract } from "../../../src/ops-data/metrics.contract.ts";
import { opsDataContract } from "../../../src/ops-data/ops-data.contract.ts";
import { searchContract } from "../../../src/ops-data/search.contract.ts";
import { RunRecords } from "../../../src/ops-data/sqlite/run-records.ts";
import { opsSchema } from "../../../src/ops-data/sqlite/schema.ts";
import { SqliteOpsData } from "../../../src/ops-data/sqlite.ts";
import { tempDir } from "../../support/temp-dir.ts";

async function open(path: string): Promise<SqliteOpsData> {
  // Parts of the index so small that every test has several.
  const opsData = await SqliteOpsData.open({ path, log: silentLog, partSize: 20 });
  onTestFinished(() => opsData.close());
  return opsData;
}

const record = (seq: number, bytes: Uint8Array): LogRecord => ({
  executionId: "execution-1",
  project: "shop",
  service: "orders",
  attempt: 1,
  step: 0,
  script: "main.py",
  seq,
  at: seq,
  stream: "stdout",
  level: undefined,
  bytes,
});

describe("a file in workers", () => {
  const contract = {
    open: async () => {
      const path = join(tempDir(), "ops.db");
      const opsData = await open(path);
      return {
        opsData,
        reopen: async () => {
          await opsData.close();
          return open(path);
        },
      };
    },
  };
  opsDataContract(contract);
  searchContract(contract);
  historyContract(contract);
  metricsContract(contract);
  contentsContract(contract);
});

test("the file can be read by its owner only", async () => {
  const path = join(tempDir(), "ops.db");
  const opsData = await open(path);
  await opsData.append([record(1, Buffer.from("x"))]);
  for (const suffix of ["", "-wal", "-shm"]) expect(statSync(path + suffix).mode & 0o777).toBe(0o600);
});

test("a file that cannot be opened is said at once, and leaves no thread behind", async () => {
  await expect(SqliteOpsData.open({ path: tempDir(), log: silentLog })).rejects.toMatchObject({ code: "unavailable" });
});

test("D20: a worker that dies rejects its callers, the next call starts another, and what was acknowledged is there", async () => {
  const started = once(process, "worker") as Promise<[Worker]>;
  const opsData = await open(join(tempDir(), "ops.db"));
  const [worker] = await started;
  await opsData.append([record(1, Buffer.from("kept"))]);
  const died = worker.terminate();
  await expect(opsData.append([record(2, Buffer.from("lost"))])).rejects.toMatchObject({
    code: "unavailable",
    retryable: true,
  });
  await died;
  await opsData.append([record(2, Buffer.from("again"))]);
  expect(
    Buffer.from((await opsData.output({ executionId: "execution-1", attempt: 1, step: 0 }, 0, 99)).bytes).toString(),
  ).toBe("keptagain");
});

test("a call made before close is answered", async () => {
  const path = join(tempDir(), "ops.db");
  const opsData = await open(path);
  const appended = opsData.append([record(1, Buffer.from("in time"))]);
  await opsData.close();
  await appended;
  expect(await (await open(path)).highestSeq("execution-1", 1)).toBe(1);
});

test("sending a view of a large buffer neither takes the rest along nor takes it away", async () => {
  const opsData = await open(":memory:");
  const large = Buffer.alloc(1024 * 1024, "x");
  await opsData.append([record(1, large.subarray(10, 13)), record(2, large.subarray(20, 22))]);
  expect(large).toHaveLength(1024 * 1024);
  const records = await opsData.logs({ executionId: "execution-1", limit: 10 });
  expect(records.map(({ bytes }) => [bytes.length, bytes.buffer.byteLength])).toEqual([
    [3, 5],
    [2, 5],
  ]);
});

test("a small range of a large output reads only the records that it touches", () => {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  migrateSqliteFile(database, opsSchema, "the operational data's");
  const records = new RunRecords(database);
  records.append(Array.from({ length: 160 }, (_, n) => record(n + 1, Buffer.alloc(64 * 1024, n))));
  // The other records are made unreadable: a range that touched one would answer its bytes.
  database.exec("update records set bytes = zeroblob(size) where seq <> 101");
  const { bytes, sizeBytes } = records.output({
    step: { executionId: "execution-1", attempt: 1, step: 0 },
    from: 100 * 64 * 1024 + 10,
    to: 100 * 64 * 1024 + 15,
  });
  expect([...bytes]).toEqual([100, 100, 100, 100, 100]);
  expect(sizeBytes).toBe(160 * 64 * 1024);
  const plan = database
    .prepare(
      "explain query plan select start, bytes from records where run = 1 and attempt = 1 and step = 0 and size > 0 and start >= 5 and start < 9 order by start",
    )
    .all();
  expect(plan.map(({ detail }) => detail)).toEqual([
    "SEARCH records USING INDEX output_by_place (run=? AND attempt=? AND step=? AND start>? AND start<?)",
  ]);
});

test("a full disk refuses the records whole, and passes", () => {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  migrateSqliteFile(database, opsSchema, "the operational data's");
  const records = new RunRecords(database);
  const { page_count: pages } = database.prepare("pragma page_count").get() as { page_count: number };
  database.exec(`pragma max_page_count = ${pages + 10}`);
  const batch = [record(1, Buffer.from("small")), record(2, Buffer.alloc(100_000))];
  expect(() => records.append(batch)).toThrow(expect.objectContaining({ errcode: 13 }));
  expect(records.highestSeq("execution-1", 1)).toBe(0);
  database.exec("pragma max_page_count = 100000");
  records.append(batch);
  expect(records.highestSeq("execution-1", 1)).toBe(2);
});

test("D20: the thread that searches may die: the search is refused, the next one finds, and storing never stopped", async () => {
  const threads: Worker[] = [];
  const note = (worker: Worker) => threads.push(worker);
  process.on("worker", note);
  onTestFinished(() => void process.off("worker", note));
  const opsData = await open(join(tempDir(), "ops.db"));
  await opsData.append([record(1, Buffer.from("found again\n"))]);
  const search = () =>
    opsData.search.lines({ query: { kind: "all" }, from: 0, to: 10, limit: 10, timeLimitMs: 60_000 });
  expect((await search()).items).toHaveLength(1);
  const died = threads.at(-1)?.terminate();
  const [refused, stored] = await Promise.allSettled([search(), opsData.append([record(2, Buffer.from("stored\n"))])]);
  expect(refused).toMatchObject({ status: "rejected", reason: { code: "unavailable", retryable: true } });
  expect(stored.status).toBe("fulfilled");
  await died;
  expect((await search()).items.map(({ text }) => text)).toEqual(["stored", "found again"]);
});

test("searches at the same time take turns: a short one does not wait for the end of a long one", async () => {
  const opsData = await open(join(tempDir(), "ops.db"));
  for (let part = 0; part < 40; part += 1) {
    const text = Array.from({ length: 30 }, () => `part${part}`).join("\n");
    await opsData.append([{ ...record(part + 1, Buffer.from(`${text}\n`)), at: 1000 + part }]);
  }
  const search = (text: string) =>
    opsData.search.lines({
      query: { kind: "text", text, prefix: false },
      from: 0,
      to: 1e6,
      limit: 10,
      timeLimitMs: 60_000,
    });
  const order: string[] = [];
  await Promise.all([
    search("absent").then(() => order.push("through all parts")),
    search("part39").then(() => order.push("newest part")),
  ]);
  expect(order).toEqual(["newest part", "through all parts"]);
});
