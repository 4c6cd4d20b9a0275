import fc from "fast-check";
import { expect, test } from "vitest";
import { searchedLineOf } from "../alerts/searched-line.ts";
import { drawnTexts, queryNodes } from "../search/drawn-queries.contract.ts";
import { matchesLine } from "../search/match-line.ts";
import { parseQuery } from "../search/parse-query.ts";
import { printQuery } from "../search/print-query.ts";
import { type LogLevelName, logFields, logLevels } from "../search/query-fields.ts";
import type { QueryNode } from "../search/query-node.ts";
import type { OpsDataContract } from "./ops-data.contract.ts";
import type { LogRecord, OpsData } from "./ops-data.ts";

/** What every driver promises of searches in lines. Calls `test`; call it inside a `describe`. */
export function searchContract({ open }: OpsDataContract): void {
  const record = (seq: number, content: string | Uint8Array, changes: Partial<LogRecord> = {}): LogRecord => ({
    executionId: "execution-1",
    project: "shop",
    service: "orders",
    correlationId: "flow-1",
    attempt: 1,
    step: 1,
    script: "main.py",
    seq,
    at: 1_700_000_000_000 + seq,
    stream: "stdout",
    level: undefined,
    bytes: Buffer.from(content),
    ...changes,
  });
  const always = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, timeLimitMs: 60_000 };
  const find = async (opsData: OpsData, query: string | QueryNode, limit = 1000) => {
    const node = typeof query === "string" ? parseQuery(query, logFields) : query;
    return opsData.search.lines({ ...always, query: node, limit });
  };
  const textsOf = async (opsData: OpsData, query: string) => (await find(opsData, query)).items.map(({ text }) => text);

  test("lines are found the newest first, with what wrote them", async () => {
    const { opsData, reopen } = await open();
    await opsData.append([
      record(1, "order 17 placed\norder 18 refused\n"),
      record(2, "payment refused", { stream: "log", level: "error", executionId: "execution-2", service: "till" }),
    ]);
    expect(await textsOf(opsData, "refused")).toEqual(["payment refused", "order 18 refused"]);
    const [line] = (await find(await reopen(), "level:error")).items;
    expect(line).toMatchObject({
      at: 1_700_000_000_002,
      executionId: "execution-2",
      project: "shop",
      service: "till",
      attempt: 1,
      step: 1,
      script: "main.py",
      stream: "log",
      level: "error",
      text: "payment refused",
    });
  });

  test("a line that comes in pieces is one line, whatever is written beside it and wherever a character is cut", async () => {
    const { opsData } = await open();
    const euro = Buffer.from("10 €\r\nlast");
    await opsData.append([record(1, "first half, ")]);
    expect(await textsOf(opsData, "half")).toEqual(["first half, "]);
    await opsData.append([record(2, "warned\n", { stream: "stderr" }), record(3, "second half\nprice ")]);
    await opsData.append([record(4, euro.subarray(0, 4))]);
    await opsData.append([record(5, euro.subarray(4))]);
    expect(await textsOf(opsData, "half")).toEqual(["first half, second half"]);
    expect(await textsOf(opsData, '"first half second half"')).toHaveLength(1);
    expect(await textsOf(opsData, "*")).toEqual(["last", "price 10 €", "warned", "first half, second half"]);
    const { items } = await find(opsData, "price");
    expect(items[0]?.at).toBe(1_700_000_000_003);
  });

  test("however output is cut into records and transactions, its lines are the same", async () => {
    const { opsData } = await open();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("a", "ß€", "🙂", "\n", "\r\n", " word "), { maxLength: 40 }),
        fc.array(fc.nat(5), { maxLength: 30 }),
        async (pieces, cuts) => {
          const executionId = `cut-${++runs}`;
          const bytes = Buffer.from(pieces.join(""));
          let at = 0;
          for (const [index, size] of [...cuts, bytes.length].entries()) {
            const piece = bytes.subarray(at, at + size + 1);
            at += size + 1;
            if (piece.length > 0) await opsData.append([record(index + 1, piece, { executionId, at: index })]);
          }
          const whole = bytes
            .toString()
            .split("\n")
            .map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
          const { items } = await find(opsData, {
            kind: "field",
            field: "execution",
            value: executionId,
            prefix: false,
          });
          expect(items.map(({ text }) => text).reverse()).toEqual(whole.filter((line) => line.trim() !== ""));
        },
      ),
      { numRuns: 30 },
    );
  });

  test("records that are given again add no lines, nor change any", async () => {
    const { opsData } = await open();
    const records = [record(1, "one\ntw"), record(2, "o\nthr"), record(3, "ee\n")];
    await opsData.append(records.slice(0, 2));
    await opsData.append(records);
    await opsData.append(records.slice(1));
    expect(await textsOf(opsData, "*")).toEqual(["three", "two", "one"]);
  });

  test("a line longer than 16 KiB is several, of which none ends within a character", async () => {
    const { opsData } = await open();
    const long = `${"ab€ ".repeat(8000)}end`;
    await opsData.append([record(1, long.slice(0, 9001)), record(2, `${long.slice(9001)}\n`)]);
    const texts = await textsOf(opsData, "*");
    expect(texts.length).toBeGreaterThan(2);
    expect(texts.reverse().join("")).toBe(long);
  });

  test("pages follow one another without a gap or a repeat, also within one millisecond", async () => {
    const { opsData } = await open();
    const text = Array.from({ length: 3000 }, (_, n) => `line ${n}`).join("\n");
    await opsData.append([record(1, text)]);
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const query: QueryNode = { kind: "text", text: "line", prefix: false };
      const page = await opsData.search.lines({ ...always, query, limit: 700, after });
      seen.push(...page.items.map((line) => line.text));
      after = page.items.at(-1)?.id;
      if (after === undefined) break;
    }
    expect(seen.reverse().join("\n")).toBe(text);
    await expect(
      opsData.search.lines({ ...always, query: { kind: "all" }, limit: 1, after: "x" }),
    ).rejects.toMatchObject({
      code: "invalid-input",
    });
  });

  test("what is found and counted is what a filter over all lines finds and counts", async () => {
    const { opsData } = await open();
    const drawnRecord = fc.record({
      text: drawnTexts,
      executionId: fc.constantFrom("e-1", "e-2", "E-1"),
      service: fc.constantFrom("orders", "till"),
      project: fc.constantFrom("shop", "default"),
      correlationId: fc.constantFrom("Flow 1", "flow 1", undefined),
      script: fc.constantFrom("main.py", "Main.py", "lädt.ts"),
      stream: fc.constantFrom("stdout" as const, "stderr" as const, "log" as const),
      level: fc.constantFrom(...logLevels.slice(1)),
      attempt: fc.integer({ min: 1, max: 3 }),
      step: fc.nat(3),
      at: fc.integer({ min: 0, max: 5 }),
    });
    const drawn = fc.sample(fc.tuple(drawnRecord, drawnTexts, drawnTexts), { numRuns: 400, seed: 7 });
    const records = drawn.map(([own, second, third], index): LogRecord => {
      const { text, level, at, ...fields } = own;
      const bytes = Buffer.from(`${text} ${second} ${third}${fields.stream === "log" ? "" : "\n"}`);
      return {
        ...fields,
        seq: index + 1,
        at: 1_700_000_000_000 + at * 1000,
        level: fields.stream === "log" ? level : undefined,
        bytes,
      };
    });
    for (let at = 0; at < records.length; at += 60) await opsData.append(records.slice(at, at + 60));

    await fc.assert(
      fc.asyncProperty(queryNodes, fc.nat(6), fc.nat(6), async (query, least, most) => {
        const range = { from: 1_700_000_000_000 + least * 1000, to: 1_700_000_000_000 + most * 1000 };
        const expected = records.filter((own) => own.at >= range.from && own.at < range.to && matches(query, own));
        const where = printQuery(query, logFields);
        const { items, complete } = await opsData.search.lines({ ...always, ...range, query, limit: 1000 });
        expect(complete).toBe(true);
        expect(items.map(placeOfLine).sort(), where).toEqual(expected.map(placeOfRecord).sort());
        expect(items.map(({ at }) => at)).toEqual(items.map(({ at }) => at).sort((left, right) => right - left));
        const { counts } = await opsData.search.countLines({ ...always, ...range, query, bucketMs: 2000 });
        expect(countsOf(counts), where).toEqual(
          countsOf(
            expected.map((own) => ({ bucketAt: Math.floor(own.at / 2000) * 2000, level: levelOf(own), count: 1 })),
          ),
        );
      }),
      { numRuns: 150 },
    );
  });

  test("D13: what was pruned is not found, by words or without, and what is younger stays", async () => {
    const { opsData, reopen } = await open();
    const lines = (executionId: string, at: number) =>
      Array.from({ length: 30 }, (_, n) => record(n + 1, `secretive ${executionId}\n`, { executionId, at: at + n }));
    await opsData.append(lines("old", 1000));
    await opsData.append([...lines("young", 9000), record(1, "open end of an old", { executionId: "older", at: 900 })]);
    await opsData.prune(5000);
    const check = async (own: OpsData) => {
      for (const query of ["secretive", "old*", "", "-nothing", "execution:old", "flow:flow-1"]) {
        const found = await find(own, query);
        expect(new Set(found.items.map(({ executionId }) => executionId)), query).toEqual(
          new Set(query === "execution:old" || query === "old*" ? [] : ["young"]),
        );
      }
      const { counts } = await own.search.countLines({ ...always, query: { kind: "all" }, bucketMs: 60_000 });
      expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(30);
    };
    await check(opsData);
    await check(await reopen());
  });

  test("a search whose time is up answers with what it has and how far it came, and goes on from there", async () => {
    const { opsData } = await open();
    for (let at = 0; at < 10; at += 1) {
      const text = Array.from({ length: 30 }, () => `n${at}`).join("\n");
      await opsData.append([record(at + 1, `${text}\n`, { at: 1000 + at })]);
    }
    const query: QueryNode = { kind: "text", text: "n0", prefix: false };
    const hurried = await opsData.search.lines({ ...always, query, limit: 100, timeLimitMs: 0 });
    if (!hurried.complete) {
      expect(hurried.searchedTo).toBeGreaterThan(1000);
      const rest = await opsData.search.lines({ ...always, query, to: hurried.searchedTo, limit: 100 });
      hurried.items.push(...rest.items);
    }
    expect(hurried.items).toHaveLength(30);
  });
}

function placeOfLine(line: { executionId: string; script: string; text: string; at: number; service: string }): string {
  return JSON.stringify([line.executionId, line.script, line.service, line.at, line.text]);
}

function placeOfRecord({ executionId, script, at, service, bytes }: LogRecord): string {
  return JSON.stringify([executionId, script, service, at, Buffer.from(bytes).toString().replace(/\n$/, "")]);
}

function levelOf({ stream, level }: LogRecord): LogLevelName {
  return stream === "log" ? (level as LogLevelName) : "none";
}

function countsOf(counts: readonly { bucketAt: number; level: string; count: number }[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { bucketAt, level, count } of counts) {
    const key = `${bucketAt} ${level}`;
    sums[key] = (sums[key] ?? 0) + count;
  }
  return sums;
}

/** What a search finds is what a rule of alerts sees as it passes. */
function matches(query: QueryNode, record: LogRecord): boolean {
  return matchesLine(query, searchedLineOf(record, Buffer.from(record.bytes).toString()));
}
