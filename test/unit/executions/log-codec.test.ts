import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeLogRecord, encodeLogRecord } from "../../../src/executions/log-codec.ts";
import type { LogRecord } from "../../../src/executions/log-record.ts";

const text = fc.string({ unit: "binary" });
const anyRecord: fc.Arbitrary<LogRecord> = fc.record({
  executionId: fc.string({ unit: "binary", minLength: 1 }),
  project: text,
  service: text,
  attempt: fc.integer({ min: 1, max: 1_000_000 }),
  step: fc.nat(),
  script: text,
  seq: fc.integer({ min: 1 }),
  at: fc.integer({ min: 0, max: 8.64e15 }),
  stream: fc.constantFrom("stdout", "stderr", "log"),
  level: fc.option(text, { nil: undefined }),
  bytes: fc.uint8Array({ maxLength: 2000 }),
});

/** Which class holds the bytes is of no concern. */
const plain = (record: LogRecord | undefined) => record && { ...record, bytes: [...record.bytes] };

test("every record is decoded as it was encoded, whatever its bytes", () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      expect(plain(decodeLogRecord(encodeLogRecord(record).value))).toEqual(plain(record));
    }),
  );
});

test("a record that is a view of a larger buffer is decoded by itself", () => {
  fc.assert(
    fc.property(anyRecord, fc.uint8Array(), fc.uint8Array(), (record, before, behind) => {
      const { value } = encodeLogRecord(record);
      const large = Buffer.concat([before, value, behind]);
      const view = large.subarray(before.length, before.length + value.length);
      const decoded = decodeLogRecord(new Uint8Array(view.buffer, view.byteOffset, view.length));
      expect(plain(decoded)).toEqual(plain(record));
    }),
  );
});

test("D12: bytes that are no record are refused, never thrown at", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(decodeLogRecord(bytes)).toBeUndefined();
    }),
  );
  for (const wrong of ["", "\n", "{}\n", "null\nx", '{"executionId":""}\n', "[]\n"]) {
    expect(decodeLogRecord(Buffer.from(wrong))).toBeUndefined();
  }
});

test("records of one execution have one key, so that they stay in order", () => {
  const record: LogRecord = {
    executionId: "execution-1",
    project: "shop",
    service: "orders",
    attempt: 1,
    step: 0,
    script: "main.py",
    seq: 1,
    at: 0,
    stream: "stdout",
    level: undefined,
    bytes: Buffer.from("x"),
  };
  const [first, second] = [encodeLogRecord(record), encodeLogRecord({ ...record, seq: 2, attempt: 2 })];
  expect(first).toMatchObject({ topic: "fx.logs", key: "execution-1" });
  expect(second).toMatchObject({ topic: "fx.logs", key: "execution-1" });
});
