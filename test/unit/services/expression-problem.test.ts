import { expect, it } from "vitest";
import { expressionProblem } from "../../../src/services/expression-problem.ts";

it.each([
  ['"text"', "condition", "must be true or false; its value is always of the type string"],
  ["size(event.data.list)", "condition", "must be true or false; its value is always of the type int"],
  ["event.data.total > 3", "condition", undefined],
  ["event.data.isPaid", "condition", undefined],
  ["has(event.data.a) && event.data.a", "condition", undefined],
  ["[1, 2]", "key", "must be text, a number, or true or false; its value is always of the type list<int>"],
  ["event.data.customer", "key", undefined],
  ["event.data.a == 1", "key", undefined],
  ['event.type + "x"', "key", undefined],
  ["[1, 2]", "value", undefined],
  ["a".repeat(5000), "value", "must be at most 4096 characters"],
] as const)("%s as a %s: %s", (expression, use, problem) => {
  expect(expressionProblem(expression, use)).toBe(problem);
});

it("says where the data is to whoever forgets the event", () => {
  expect(expressionProblem("data.total > 3", "condition")).toMatch(
    /^is not a valid CEL expression: Unknown variable: data \(all is in event: event\.data, and its attributes, event\.id, /,
  );
});
