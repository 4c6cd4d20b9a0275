import { expect, test } from "vitest";
import { parseArguments } from "../../../scripts/setup/parse-arguments.mjs";

test("what follows the target belongs to the target, whatever it looks like", () => {
  expect(parseArguments(["src/cli/main.ts", "start", "--node=24.21.0", "--", "x"])).toEqual({
    node: undefined,
    target: "src/cli/main.ts",
    rest: ["start", "--node=24.21.0", "--", "x"],
  });
});

test("a version of Node is asked for before the target", () => {
  expect(parseArguments(["--node=24.21.0", "@vitest", "run"])).toEqual({
    node: "24.21.0",
    target: "@vitest",
    rest: ["run"],
  });
});

test("no target, or an option unknown to the set-up, is refused with the right form", () => {
  expect(() => parseArguments([])).toThrow("no program was named");
  expect(() => parseArguments(["--nod=24"])).toThrow("unknown option --nod=24");
});
