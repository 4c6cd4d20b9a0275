import { expect, test } from "vitest";
import { readSettingFlags } from "../../../src/cli/start/setting-flags.ts";

test("any setting is a flag, with = or a space", () => {
  const words = ["--executor-slots", "8", "--limits-hops=5", "--token=a=b"];
  expect(readSettingFlags(words)).toEqual({ executorSlots: "8", limitsHops: "5", token: "a=b" });
});

test("an argument or a flag without its value is a wrong command line", () => {
  expect(() => readSettingFlags(["here"])).toThrow(/takes no argument "here"/);
  expect(() => readSettingFlags(["--executor-slots"])).toThrow(/needs a value/);
});
