import { expect, test } from "vitest";
import { killServer, startServer } from "../../../engines/servers.ts";
import type { LogRecord } from "../../../src/ops-data/ops-data.ts";
import { ownServers, sharedEnvironment } from "../../support/engines.ts";
import { eventually } from "../../support/eventually.ts";
import { freshPrefix, openOpsData } from "../../support/search-server.ts";

const record = (seq: number, text: string, changes: Partial<LogRecord> = {}): LogRecord => ({
  executionId: "execution-1",
  project: "shop",
  service: "orders",
  attempt: 1,
  step: 0,
  script: "main.py",
  seq,
  at: 1_700_000_000_000 + seq,
  stream: "stdout",
  level: undefined,
  bytes: Buffer.from(text),
  ...changes,
});
const everything = {
  query: { kind: "all" },
  from: Number.NEGATIVE_INFINITY,
  to: Number.POSITIVE_INFINITY,
  limit: 100,
  timeLimitMs: 60_000,
} as const;
const passing = { code: "unavailable", retryable: true };

/** A server starts in half a minute, and here twice. */
const timeout = 300_000;

test("what was acknowledged is there after the server was killed, and the same store goes on", {
  timeout,
}, async () => {
  const servers = await ownServers("opensearch");
  const opsData = await openOpsData("opensearch", freshPrefix(), servers.engine.environment(servers.places));
  await opsData.append([record(1, "first half, ")]);
  await killServer(servers, 0);
  await expect(opsData.append([record(2, "second half\n")])).rejects.toMatchObject(passing);
  await expect(opsData.search.lines(everything)).rejects.toMatchObject(passing);
  await startServer(servers, 0);
  await eventually(() => opsData.append([record(2, "second half\n")]).then(() => true), { withinMs: 60_000 });
  const { items } = await opsData.search.lines(everything);
  expect(items.map(({ text }) => text)).toEqual(["first half, second half"]);
});

test("a line that one process began is one line when another ends it", async () => {
  const prefix = freshPrefix();
  const one = await openOpsData("opensearch", prefix);
  const other = await openOpsData("opensearch", prefix);
  await one.append([record(1, "begun "), record(2, "warned\n", { stream: "stderr" }), record(3, "here, ")]);
  await other.append([record(4, "ended there\nand "), record(5, "more")]);
  // As after a crash: the first one is given again what it has stored.
  await one.append([record(3, "here, "), record(4, "ended there\nand ")]);
  const { items } = await one.search.lines(everything);
  expect(items.map(({ text }) => text)).toEqual(["and more", "warned", "begun here, ended there"]);
});

test("D12: a record that can never be stored is refused as such, and those given with it are stored", async () => {
  const opsData = await openOpsData("opensearch", freshPrefix());
  const poison = record(2, "x", { executionId: "execution-2", attempt: 2 ** 40 });
  await expect(opsData.append([record(1, "well\n"), poison])).rejects.toMatchObject({
    code: "invalid-input",
    retryable: false,
    message: expect.stringContaining("execution-2"),
  });
  expect((await opsData.logs({ executionId: "execution-1", limit: 10 })).length).toBe(1);
  await expect(opsData.append([record(1, "when?", { at: 1e17 })])).rejects.toMatchObject({ code: "invalid-input" });
});

test("D12: wrong credentials are nobody's poison: the records are given again", async () => {
  const right = sharedEnvironment("elasticsearch");
  const wrong = { ...right, FX_OPS_DATA_PASSWORD: "wrong" };
  await expect(openOpsData("elasticsearch", freshPrefix(), wrong)).rejects.toMatchObject({
    ...passing,
    message: expect.stringContaining("401"),
  });
});

test("D13: days that are past their age go as whole indices, and an execution that still writes keeps what it wrote", async () => {
  const opsData = await openOpsData("opensearch", freshPrefix());
  const dayMs = 86_400_000;
  // Ids tell when: those of the first are of 2023-11-14, 22:13, and of the next day.
  const old = { executionId: "018bcfe5-6800-7000-8000-000000000001" };
  const long = { executionId: "018bd50b-c400-7000-8000-000000000002" };
  const at = 1_700_000_000_000;
  await opsData.append([record(1, "old\n", { ...old, at }), record(1, "began\n", { ...long, at: at + dayMs })]);
  await opsData.append([record(2, "goes on\n", { ...long, at: at + 9 * dayMs })]);
  expect(await opsData.prune(at + 5 * dayMs)).toBe(1);
  expect(await opsData.logs({ ...old, limit: 10 })).toEqual([]);
  expect(await opsData.logs({ ...long, limit: 10 })).toHaveLength(2);
  expect((await opsData.search.lines(everything)).items.map(({ text }) => text)).toEqual(["goes on"]);
});
