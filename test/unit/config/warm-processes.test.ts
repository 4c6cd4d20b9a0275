import { expect, test } from "vitest";
import { warmProcessesOf } from "../../../src/config/warm-processes.ts";

test("warm processes are as many as slots and no fewer than eight, unless their number is set", () => {
  expect(warmProcessesOf({ slots: 4, warmProcesses: undefined })).toBe(8);
  expect(warmProcessesOf({ slots: 32, warmProcesses: undefined })).toBe(32);
  expect(warmProcessesOf({ slots: 32, warmProcesses: 2 })).toBe(2);
});
