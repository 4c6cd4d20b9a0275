import fc from "fast-check";
import { expect, test } from "vitest";
import type { BusRecord, NewRecord } from "../../../src/bus/bus.ts";
import { BatchReader, encodeBatches } from "../../../src/bus/record-batch.ts";

const topic = "fx.events";
const anyRecord: fc.Arbitrary<NewRecord> = fc.record({
  topic: fc.constant(topic),
  // Keys are Unicode: a lone surrogate has no UTF-8.
  key: fc.string({ unit: "grapheme" }),
  value: fc.uint8Array({ maxLength: 300 }),
  headers: fc.dictionary(fc.string(), fc.string(), { maxKeys: 3, noNullPrototype: true }),
});

function readAll(records: readonly (NewRecord | undefined)[], base: number, from = base): BusRecord[] {
  const found: BusRecord[] = [];
  let at = base;
  for (const batch of encodeBatches(records)) {
    const reader = new BatchReader({ ...batch, topic, partition: 3, base: at, at: 7 });
    reader.skipTo(from);
    for (let record = reader.next(); record !== undefined; record = reader.next()) found.push(record);
    at += batch.count;
  }
  return found;
}

const plain = ({ offset, key, value, headers }: Omit<BusRecord, "at">) => ({ offset, key, value: [...value], headers });

test("records are decoded as they were encoded; removed ones leave the others at their offsets", () => {
  fc.assert(
    fc.property(fc.array(fc.option(anyRecord, { nil: undefined })), fc.nat(1000), fc.nat(20), (records, base, skip) => {
      const expected = records.flatMap((record, index) =>
        record === undefined || index < skip
          ? []
          : [plain({ partition: 3, offset: base + index, headers: {}, ...record })],
      );
      expect(readAll(records, base, base + skip).map(plain)).toEqual(expected);
    }),
  );
});

test("a batch holds at most 1,000 records and 1 MiB; a larger record has its own", () => {
  const record = (size: number): NewRecord => ({ topic, key: "k", value: new Uint8Array(size) });
  const counts = (records: NewRecord[]) => [...encodeBatches(records)].map(({ count }) => count);
  expect(counts(Array.from({ length: 2500 }, () => record(1)))).toEqual([1000, 1000, 500]);
  expect(counts([record(10), record(2 * 1024 * 1024), record(10), record(10)])).toEqual([1, 1, 2]);
  expect(counts(Array.from({ length: 5 }, () => record(300 * 1024)))).toEqual([3, 2]);
  expect(counts([])).toEqual([]);
});

test("a damaged batch is said to be corrupt, wherever it was cut", () => {
  const [batch] = encodeBatches([{ topic, key: "key", value: Buffer.from("value"), headers: { a: "b" } }]);
  for (let length = 0; length < (batch?.records.length ?? 0); length += 1) {
    const records = batch?.records.subarray(0, length) ?? new Uint8Array();
    const reader = new BatchReader({ topic, partition: 0, base: 0, count: 1, at: 0, records });
    expect(() => reader.next()).toThrow(expect.objectContaining({ code: "corrupt" }));
  }
});
