import { describe, expect, test } from "vitest";
import { deviationOf, learnDuration, nothingUsual } from "../../../src/alerts/usual-duration.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Sunday, 4 January 2026, midnight. */
const sunday = Date.UTC(2026, 0, 4);

function learn(runs: readonly [ms: number, at: number][]) {
  const usual = nothingUsual();
  for (const [ms, at] of runs) learnDuration(usual, ms, at);
  return usual;
}

describe("what is usual", () => {
  test("nothing is usual before there are enough runs", () => {
    const usual = learn(Array.from({ length: 19 }, () => [100, sunday]));
    expect(deviationOf(usual, 100_000, sunday, 20)).toBeUndefined();
    learnDuration(usual, 100, sunday);
    expect(deviationOf(usual, 100_000, sunday, 20)?.deviations).toBeGreaterThan(10);
  });

  test("what is slow at any other hour is usual at the hour of the week that is always slow, and only there", () => {
    const runs = Array.from({ length: 30 * 7 * 24 }, (_, hour): [number, number] => {
      const isNightly = hour % (7 * 24) === 3;
      return [isNightly ? 60_000 : 1000 + (hour % 10) * 20, sunday + hour * hourMs];
    });
    const usual = learn(runs);
    const week = sunday + 30 * 7 * dayMs;
    expect(deviationOf(usual, 60_000, week + 3 * hourMs, 20)).toMatchObject({ ofHour: true, usualMs: 60_000 });
    expect(Math.abs(deviationOf(usual, 60_000, week + 3 * hourMs, 20)?.deviations ?? 99)).toBeLessThan(1);
    expect(deviationOf(usual, 60_000, week + 4 * hourMs, 20)?.deviations).toBeGreaterThan(10);
    expect(deviationOf(usual, 1000, week + 3 * hourMs, 20)?.deviations).toBeLessThan(-10);
  });

  test("all hours together stand in for one that has too few runs", () => {
    const usual = learn(Array.from({ length: 50 }, (_, n): [number, number] => [100, sunday + n * dayMs]));
    expect(deviationOf(usual, 100, sunday + 5 * hourMs, 20)).toMatchObject({ ofHour: false, usualMs: 100 });
  });

  test("one outlier hardly moves it, and what changes for good becomes usual", () => {
    const steady = (ms: number) => Array.from({ length: 200 }, (_, n): [number, number] => [ms + (n % 9), sunday]);
    const usual = learn([...steady(100), [3_600_000, sunday]]);
    expect(deviationOf(usual, 100, sunday, 20)?.usualMs).toBeLessThan(108);
    expect(deviationOf(usual, 400, sunday, 20)?.deviations).toBeGreaterThan(4);
    for (const [ms, at] of [...steady(400), ...steady(400)]) learnDuration(usual, ms, at);
    expect(deviationOf(usual, 400, sunday, 20)?.deviations).toBeLessThan(4);
  });

  test("a service that is steady to the millisecond is not far from itself for a tenth more", () => {
    const usual = learn(Array.from({ length: 100 }, () => [1000, sunday]));
    expect(deviationOf(usual, 1100, sunday, 20)?.deviations).toBeLessThan(1);
    expect(deviationOf(usual, 2000, sunday, 20)?.deviations).toBeGreaterThan(4);
  });
});
