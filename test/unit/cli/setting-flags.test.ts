import { expect, test } from "vitest";
import { readSettingFlags } from "../../../src/cli/start/setting-flags.ts";

test("any setting is a flag, with = or a space", () => {
  const words = ["--executor-slots", "8", "--limits-hops=5", "--token=a=b"];
  expect(readSettingFlags("start", words)).toEqual({ executorSlots: "8", limitsHops: "5", token: "a=b" });
});

test("an argument or a flag without its value is a wrong command line", () => {
  expect(() => readSettingFlags("start", ["here"])).toThrow(/takes no argument "here"/);
  expect(() => readSettingFlags("start", ["--executor-slots"])).toThrow(/needs a value/);
});
