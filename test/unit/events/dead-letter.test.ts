import { expect, test } from "vitest";
import { maxEventBytes } from "../../../src/events/cloud-event.ts";
import { deadLetter } from "../../../src/events/dead-letter.ts";

const record = { topic: "fx.events", partition: 1, offset: 7, key: "k", value: Buffer.from("{"), headers: { a: "b" } };

test("D12: a dead letter is the record as it came, with its place and the reason", () => {
  expect(deadLetter(record, "is no JSON: ’")).toEqual({
    topic: "fx.dead-letter",
    key: "k",
    value: Buffer.from("{"),
    headers: {
      a: "b",
      "fx-topic": "fx.events",
      "fx-partition": "1",
      "fx-offset": "7",
      "fx-reason": "is%20no%20JSON%3A%20%E2%80%99",
    },
  });
});

test("D12: of a record that is larger than a dead letter may be, the beginning is kept and the size told", () => {
  const value = Buffer.alloc(maxEventBytes + 1, "x");
  const large = deadLetter(
    { ...record, key: "k".repeat(5000), value, headers: { a: "b".repeat(100_000) } },
    "too large",
  );
  expect(large.value).toHaveLength(maxEventBytes);
  expect(large.key).toHaveLength(1000);
  expect(large.headers).toMatchObject({ "fx-bytes": String(maxEventBytes + 1), "fx-offset": "7" });
  expect(large.headers).not.toHaveProperty("a");
});
