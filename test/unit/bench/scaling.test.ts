import { describe, expect, test } from "vitest";
import { predictions, statedError } from "../../../bench/scaling/check.ts";
import { costsOf } from "../../../bench/scaling/costs.ts";
import { readFigures } from "../../../bench/scaling/figures.ts";
import { assumed, type Load, sumsOf } from "../../../bench/scaling/model.ts";

const figures = readFigures();
const costs = costsOf(figures);

function sums(load: Partial<Load>) {
  return sumsOf({ events: 1000, runsPerEvent: 1, logLines: 1, ...load }, costs);
}

describe("the model of scaling", () => {
  test("predicts the executions a second of more executors within the error that it states", () => {
    const all = predictions(figures);
    expect(all.map(({ name }) => name)).toEqual(["nothing, 2 executors", "nothing, 4 executors"]);
    for (const { measured, predicted } of all) {
      expect(Math.abs(predicted / measured - 1)).toBeLessThanOrEqual(statedError);
    }
  });

  test("names for each figure the command that measures it", () => {
    for (const [bench, { command }] of Object.entries(figures)) {
      expect(command).toMatch(new RegExp(`^npm run bench -- ${bench} --rounds \\d+( --runs \\d+)? --figures$`));
    }
  });

  test("asks for one process of each role where there is little to do", () => {
    expect(sums({ events: 1 })).toMatchObject({
      managers: 1,
      routers: 1,
      executors: 1,
      sinks: 1,
      catalogs: 1,
      partitions: assumed.fewestPartitions,
    });
  });

  test("gives every reader of a topic a partition, and one more some too", () => {
    for (const events of [10, 1000, 100_000]) {
      const { partitions, routers, sinks } = sums({ events, logLines: 50 });
      expect(partitions).toBeGreaterThan(Math.max(routers, sinks));
      expect(Math.log2(partitions) % 1).toBe(0);
    }
  });

  test("counts ten times the work for ten times the events, and for ten runs an event", () => {
    const one = sums({});
    for (const ten of [sums({ events: 10_000 }), sums({ runsPerEvent: 10 })]) {
      expect(ten.catalogProcessors / one.catalogProcessors).toBeCloseTo(10);
      expect(ten.catalogRows / one.catalogRows).toBeCloseTo(10);
      expect(ten.scriptProcessors / one.scriptProcessors).toBeCloseTo(10);
    }
  });

  test("counts an event that starts nothing as decided and kept", () => {
    const nothing = sums({ runsPerEvent: 0 });
    expect(nothing.catalogRows).toBe(sums({}).catalogRows);
    expect(nothing.scriptProcessors).toBe(0);
    expect(nothing.gigabytesADay.catalog).toBeGreaterThan(0);
  });

  test("counts lines where they go: sinks and operational data, and nothing in the catalog", () => {
    const [few, many] = [sums({ logLines: 1 }), sums({ logLines: 1000 })];
    expect(many.sinks).toBeGreaterThan(few.sinks);
    expect(many.operationsProcessors).toBeGreaterThan(few.operationsProcessors);
    expect(many.terabytesKept.operations).toBeGreaterThan(few.terabytesKept.operations);
    expect(many.catalogProcessors).toBe(few.catalogProcessors);
    expect(many.terabytesKept.catalog).toBe(few.terabytesKept.catalog);
  });

  test("asks for a second catalog once one is full, and not before", () => {
    const { catalogFullAt } = sums({});
    expect(sums({ events: catalogFullAt * 0.99 }).catalogs).toBe(1);
    expect(sums({ events: catalogFullAt * 1.01 }).catalogs).toBe(2);
  });
});
