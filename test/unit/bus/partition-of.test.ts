import fc from "fast-check";
import { expect, test } from "vitest";
import { partitionOf } from "../../../src/bus/partition-of.ts";

test("a key has one partition, and it is one of those that exist", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 1000 }), (key, partitions) => {
      const partition = partitionOf(key, partitions);
      expect(Number.isInteger(partition) && partition >= 0 && partition < partitions).toBe(true);
      expect(partitionOf(key, partitions)).toBe(partition);
    }),
  );
});

test("keys that differ in little are spread evenly", () => {
  for (const partitions of [2, 3, 4, 8, 16]) {
    const counts = new Array<number>(partitions).fill(0);
    for (let n = 0; n < 10_000; n += 1)
      counts[partitionOf(`flow-${n}`, partitions)] = (counts[partitionOf(`flow-${n}`, partitions)] ?? 0) + 1;
    for (const count of counts) expect(Math.abs(count / (10_000 / partitions) - 1)).toBeLessThan(0.2);
  }
});

test("a key stays where it was: the file of an earlier release is read by a later one", () => {
  expect(["", "a", "flow-1", "Grüße 🗝"].map((key) => partitionOf(key, 1024))).toMatchInlineSnapshot(`
    [
      257,
      199,
      145,
      418,
    ]
  `);
});
