import { expect, test } from "vitest";
import { clockText, countText, durationText, sizeText } from "../../../src/cli/terminal/times.ts";

test.each([
  [0, "0 ms"],
  [999, "999 ms"],
  [1000, "1.0 s"],
  [59_900, "59.9 s"],
  [59_999, "1 min"],
  [65_000, "1 min 5 s"],
  [3_599_999, "1 h"],
  [7_260_000, "2 h 1 min"],
  [90_000_000, "1 d 1 h"],
])("%d ms reads %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test("a time of today is told without its date, another with it", () => {
  const now = new Date(2026, 0, 31, 23, 0, 0).getTime();
  expect(clockText(new Date(2026, 0, 31, 4, 5, 6, 7).getTime(), now)).toBe("04:05:06.007");
  expect(clockText(new Date(2026, 0, 30, 4, 5, 6, 7).getTime(), now)).toBe("2026-01-30 04:05:06.007");
});

test("sizes and counts have their unit", () => {
  expect([sizeText(999), sizeText(1400), sizeText(999_960), sizeText(3_200_000)]).toEqual([
    "999 B",
    "1.4 kB",
    "1.0 MB",
    "3.2 MB",
  ]);
  expect([countText(1, "file"), countText(2, "directory", "directories")]).toEqual(["1 file", "2 directories"]);
});
