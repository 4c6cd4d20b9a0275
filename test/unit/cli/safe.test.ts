import { expect, test } from "vitest";
import { safe } from "../../../src/cli/terminal/safe.ts";

test("a script's output cannot steer the terminal, and its line breaks stay", () => {
  expect(safe("a\tb\r\nc\rd\n")).toBe("a\tb\nc\nd\n");
  expect(safe("\u001b[2J\u0007caf\u00e9\u009b31m")).toBe("\ufffd[2J\ufffdcaf\u00e9\ufffd31m");
});
