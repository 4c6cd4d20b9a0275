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

test("D12: what of a record was null is told apart from what was empty", () => {
  const headers = { a: "", "b,ü": "", c: "" };
  const empty = deadLetter({ ...record, key: "", headers }, "is no event");
  const nulls = { key: true, value: true, headers: ["a", "b,ü"] } as const;
  const none = deadLetter({ ...record, key: "", value: Buffer.alloc(0), headers, nulls }, "is no event");
  expect(empty.headers).not.toHaveProperty("fx-null");
  expect(none).toMatchObject({ key: "", headers: { ...headers, "fx-null": "key,value,header:a,header:b%2C%C3%BC" } });
});

test("D12: a record cannot say of itself what a dead letter says of it", () => {
  const headers = { "fx-null": "key", "fx-bytes": "9", "fx-topic": "fx.platform", a: "b" };
  expect(deadLetter({ ...record, headers }, "is no event").headers).toEqual(deadLetter(record, "is no event").headers);
});

test("D12: of headers that are too many to be kept, none is told to have been null", () => {
  const headers = { a: "b".repeat(100_000), none: "" };
  const letter = deadLetter({ ...record, headers, nulls: { headers: ["none"] } }, "too large");
  expect(letter.headers).not.toHaveProperty("fx-null");
});
