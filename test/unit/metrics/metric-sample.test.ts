import { expect, test } from "vitest";
import { decodeMetricSample, encodeMetricSample, labelsText } from "../../../src/metrics/metric-sample.ts";

test("a sample is read back as it was written, with its process as the key", () => {
  const sample = {
    at: 1_700_000_000_000,
    labels: { process: "p", host: "h" },
    values: [
      { name: "lag", kind: "gauge" as const, value: 0.5, labels: { topic: "fx.events" } },
      { name: "cpu", kind: "counter" as const, value: 12 },
    ],
  };
  const record = encodeMetricSample("p", sample);
  expect(record).toMatchObject({ topic: "fx.metrics", key: "p" });
  expect(decodeMetricSample(record.value)).toEqual(sample);
});

test.each([
  ["no JSON", "x"],
  ["a value that is none", '{"at":1,"labels":{},"values":[{"name":"lag","kind":"gauge","value":"1"}]}'],
  ["a kind that there is not", '{"at":1,"labels":{},"values":[{"name":"lag","kind":"guess","value":1}]}'],
  ["a label that is too long", JSON.stringify({ at: 1, labels: { a: "x".repeat(257) }, values: [] })],
])("%s is no sample", (_what, text) => {
  expect(decodeMetricSample(Buffer.from(text))).toBeUndefined();
});

test("the same labels are the same text, in whatever order they were given", () => {
  expect(labelsText({ b: "2", a: "1" })).toBe(labelsText({ a: "1", b: "2" }));
  expect(labelsText({ a: "1" })).not.toBe(labelsText({ a: "2" }));
});
