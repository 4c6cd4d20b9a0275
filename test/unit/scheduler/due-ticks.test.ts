import fc from "fast-check";
import { expect, test } from "vitest";
import { dueTicks } from "../../../src/scheduler/due-ticks.ts";

const minute = 60_000;
const noon = Date.UTC(2026, 0, 1, 12);
const limits = { toleranceMs: minute, runs: 5 };
const everyMinute = (catchUp: "one" | "none" | "all", since: number) => {
  return { cron: "* * * * *", timezone: "UTC", since, catchUp };
};

test("D18: nothing is due before its time; the next time is told", () => {
  expect(dueTicks(everyMinute("one", noon), noon + minute - 1, limits)).toEqual({
    run: [],
    missed: undefined,
    next: noon + minute,
  });
});

test("what is noticed within the tolerance is late and runs, whatever catch_up says", () => {
  for (const catchUp of ["one", "none", "all"] as const) {
    expect(dueTicks(everyMinute(catchUp, noon), noon + minute + 30_000, limits)).toMatchObject({
      run: [noon + minute],
      missed: undefined,
    });
  }
});

test("after a pause: one runs the latest, none only what is merely late, all runs each up to the limit", () => {
  const now = noon + 10 * minute + 1;
  const missed = (count: number) => ({ first: noon + minute, last: noon + count * minute, count });
  const after = (catchUp: "one" | "none" | "all") => dueTicks(everyMinute(catchUp, noon), now, limits);
  expect(after("one")).toEqual({ run: [noon + 10 * minute], missed: missed(9), next: noon + 11 * minute });
  expect(after("none")).toEqual({ run: [noon + 10 * minute], missed: missed(9), next: noon + 11 * minute });
  expect(after("all").run).toEqual([6, 7, 8, 9, 10].map((n) => noon + n * minute));
  expect(after("all").missed).toEqual(missed(5));
  const daily = { cron: "0 12 * * *", timezone: "UTC", since: noon, catchUp: "none" as const };
  expect(dueTicks(daily, noon + 50 * 60 * minute, limits)).toMatchObject({ run: [], missed: { count: 2 } });
  expect(dueTicks({ ...daily, catchUp: "one" }, noon + 50 * 60 * minute, limits)).toMatchObject({
    run: [noon + 48 * 60 * minute],
    missed: { count: 1 },
  });
});

test("each time is run or missed, none twice, however long nothing ran", () => {
  fc.assert(
    fc.property(fc.constantFrom("one", "none", "all"), fc.integer({ min: 0, max: 200 * minute }), (catchUp, awayMs) => {
      const { run, missed, next } = dueTicks(everyMinute(catchUp, noon), noon + awayMs, limits);
      const due = Math.floor(awayMs / minute);
      expect(run.length + (missed?.count ?? 0)).toBe(due);
      expect(next).toBe(noon + (due + 1) * minute);
      expect(run).toEqual(run.map((_, index) => noon + (due - run.length + 1 + index) * minute));
    }),
  );
});
