import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backoffDelayMs } from "../../../src/executions/backoff.ts";
import { laneOf } from "../../../src/executions/lanes.ts";

const random = (value: number) => ({ fraction: () => value, fill: (target: Uint8Array) => target });

describe("backoff", () => {
  test("doubles, and stays at its maximum", () => {
    const delays = [1, 2, 3, 4, 5, 60].map((attempt) =>
      backoffDelayMs({ count: 100, delayMs: 1000, maxDelayMs: 6000, factor: 2, jitter: 0.5 }, attempt, random(1)),
    );
    expect(delays).toEqual([1000, 2000, 4000, 6000, 6000, 6000]);
  });

  test("a factor of 1 keeps it as it is, and without jitter it is exact", () => {
    const steady = { count: 9, delayMs: 1000, maxDelayMs: 6000, factor: 1, jitter: 0 };
    expect([1, 2, 9].map((attempt) => backoffDelayMs(steady, attempt, random(0)))).toEqual([1000, 1000, 1000]);
    expect(backoffDelayMs({ ...steady, factor: 3 }, 2, random(0))).toBe(3000);
  });

  test("is never less than half and never more than the whole", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, fraction) => {
          const backoff = { count: 200, delayMs: 500, maxDelayMs: 60_000, factor: 2, jitter: 0.5 };
          const full = backoffDelayMs(backoff, attempt, random(1));
          const delay = backoffDelayMs(backoff, attempt, random(fraction));
          expect(delay).toBeGreaterThanOrEqual(full / 2);
          expect(delay).toBeLessThanOrEqual(full);
        },
      ),
    );
  });
});

describe("lanes", () => {
  test("high is 1 to 3, regular 4 to 7, low 8 to 10", () => {
    expect([1, 3, 4, 7, 8, 10].map(laneOf)).toEqual(["high", "high", "regular", "regular", "low", "low"]);
  });
});
