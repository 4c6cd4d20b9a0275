import fc from "fast-check";
import { expect, test } from "vitest";
import { lanes, readLaneWeights } from "../../../src/executions/lanes.ts";
import { laneOrders } from "../../../src/executor/lane-orders.ts";

const weight = fc.integer({ min: 1, max: 20 });

test("D4: each lane begins as many claims of a round as its weight is, and each claim asks every lane once", () => {
  fc.assert(
    fc.property(fc.record({ high: weight, regular: weight, low: weight }), (weights) => {
      const orders = laneOrders(weights);
      for (const lane of lanes) expect(orders.filter(([first]) => first === lane)).toHaveLength(weights[lane]);
      for (const order of orders) expect([...order].sort()).toEqual([...lanes].sort());
    }),
  );
});

test("D4: by default seven of ten claims ask high first, two regular, one low, spread over the round", () => {
  const firsts = laneOrders(readLaneWeights("7:2:1")).map(([first]) => first);
  expect(firsts.filter((lane) => lane === "high")).toHaveLength(7);
  expect(firsts.slice(0, 5)).toContain("regular");
  expect(firsts.slice(5)).toContain("regular");
});
