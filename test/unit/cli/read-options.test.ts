import { expect, test } from "vitest";
import { seconds } from "../../../src/cli/terminal/read-options.ts";

test.each([
  ["10", 10],
  ["0.5", 0.5],
  ["10s", 10],
  ["1.5m", 90],
  ["2h", 7200],
])("%s is a span of %d seconds", (text, expected) => {
  expect(seconds(text)).toBe(expected);
});

test.each(["", "0", "0s", "-1", "s", "10 s", "10x", "1m30s", "order.placed"])("'%s' is none", (text) => {
  expect(() => seconds(text)).toThrow("10s or 2m");
});
