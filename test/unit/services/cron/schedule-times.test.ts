import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nextTime, nextTimes, timesAfter } from "../../../../src/services/cron/schedule-times.ts";
import { referenceTimes } from "./reference-times.ts";

const utc = (text: string) => Date.parse(`${text}Z`);
const texts = (times: readonly number[]) => times.map((time) => new Date(time).toISOString().slice(0, 16));
const timesFrom = (cron: string, timezone: string, from: string, count: number) =>
  texts(nextTimes({ cron, timezone }, utc(from), count));

describe("D18: over clock changes", () => {
  test("a fixed time that is skipped comes once, at the moment after the gap", () => {
    expect(timesFrom("30 2 * * *", "Europe/Zurich", "2026-03-28T12:00", 2)).toEqual([
      "2026-03-29T01:00",
      "2026-03-30T00:30",
    ]);
    expect(timesFrom("0,20,40 2 * * *", "Europe/Zurich", "2026-03-28T12:00", 2)).toEqual([
      "2026-03-29T01:00",
      "2026-03-30T00:00",
    ]);
    expect(timesFrom("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00", 1)).toEqual(["2026-10-03T15:30"]);
  });

  test("a fixed time that is there twice comes once", () => {
    expect(timesFrom("30 2 * * *", "Europe/Zurich", "2026-10-24T12:00", 2)).toEqual([
      "2026-10-25T00:30",
      "2026-10-26T01:30",
    ]);
    expect(timesFrom("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00", 2)).toEqual([
      "2026-04-04T14:45",
      "2026-04-05T15:15",
    ]);
  });

  test("a rhythm goes on in real time through the doubled hour, and has nothing extra in the gap", () => {
    expect(timesFrom("*/30 * * * *", "Europe/Zurich", "2026-10-24T23:45", 5)).toEqual([
      "2026-10-25T00:00",
      "2026-10-25T00:30",
      "2026-10-25T01:00",
      "2026-10-25T01:30",
      "2026-10-25T02:00",
    ]);
    expect(timesFrom("*/30 * * * *", "Europe/Zurich", "2026-03-29T00:15", 3)).toEqual([
      "2026-03-29T00:30",
      "2026-03-29T01:00",
      "2026-03-29T01:30",
    ]);
    expect(timesFrom("*/20 2 * * *", "Europe/Zurich", "2026-03-28T12:00", 1)).toEqual(["2026-03-30T00:00"]);
  });

  test("a day that a zone leaves out is a gap as well", () => {
    expect(timesFrom("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00", 1)).toEqual(["2011-12-30T10:00"]);
  });
});

test("a day on which clocks change at midnight has all its times", () => {
  expect(timesFrom("0 0 * * *", "America/Havana", "2026-03-07T12:00", 2)).toEqual([
    "2026-03-08T05:00",
    "2026-03-09T04:00",
  ]);
});

test("the 29th of February is waited for, over a century without one", () => {
  expect(timesFrom("0 0 29 2 *", "UTC", "2096-03-01T00:00", 1)).toEqual(["2104-02-29T00:00"]);
});

const zones = ["Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];
const expressions = [
  "*/5 * * * *",
  "0,15,45 1-3 * * *",
  "*/20 2 * * *",
  "15 0 1,15 * MON",
  "30 1 * 3,4,10,11 0",
  "0 3 */2 * SUN",
  "7 * * * *",
  "30 2 * * *",
  "10-50/20 2 * * *",
  "0 */2 * * *",
  "59 23 31 DEC,MAR *",
  "@weekly",
];

// The first ones have every kind of field and of clock change; FX_CRON_ALL=1 holds all of them against the walk.
const walked = process.env.FX_CRON_ALL === "1" ? expressions : expressions.slice(0, 6);

test.each(zones.slice(0, 3))("ten years in %s are as a walk through every minute finds them", (timezone) => {
  const [from, to] = [Date.UTC(2024, 0, 1), Date.UTC(2034, 0, 1)];
  const references = referenceTimes(walked, timezone, from, to);
  for (const [index, cron] of walked.entries()) {
    const found: number[] = [];
    for (const time of timesAfter({ cron, timezone }, from)) {
      if (time >= to) break;
      found.push(time);
    }
    const reference = references[index] as number[];
    expect(found.length, `${cron} in ${timezone}`).toBeGreaterThan(0);
    const differs = found.findIndex((time, at) => time !== reference[at]);
    expect({ cron, count: found.length, differs }).toEqual({ cron, count: reference.length, differs: -1 });
  }
});

test("times ascend, and from any moment on the rest is the same", () => {
  const field = (from: number, to: number) =>
    fc.oneof(
      fc.constant("*"),
      fc.integer({ min: 2, max: 20 }).map((step) => `*/${step}`),
      fc.integer({ min: from, max: to }).map(String),
      fc.tuple(fc.integer({ min: from, max: to }), fc.integer({ min: from, max: to })).map(([a, b]) => {
        return `${Math.min(a, b)}-${Math.max(a, b)}`;
      }),
    );
  const cron = fc
    .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
    .map((parts) => parts.join(" "));
  const begin = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2028, 0, 1) });
  fc.assert(
    fc.property(
      cron,
      fc.constantFrom(...zones),
      begin,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (text, zone, at, part) => {
        const schedule = { cron: text, timezone: zone };
        const times = nextTimes(schedule, at, 6);
        expect(times).toHaveLength(6);
        expect(times.every((time, index) => time > (times[index - 1] ?? at) && time % 60_000 === 0)).toBe(true);
        const [first, second] = times as [number, number];
        expect(nextTime(schedule, first + Math.floor(part * (second - first - 1)))).toBe(second);
      },
    ),
  );
});
