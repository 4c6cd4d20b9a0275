import { expect, test } from "vitest";
import { sparkline } from "../../../src/cli/terminal/sparkline.ts";

test("bars go from 0 to the highest value, with a gap where nothing is known", () => {
  expect(sparkline([0, 4, undefined, 8])).toBe("▁▅ █");
});

test("values that are all 0 are the lowest bar, and none at all is no text", () => {
  expect(sparkline([0, 0])).toBe("▁▁");
  expect(sparkline([])).toBe("");
});
