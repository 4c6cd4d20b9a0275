import { expect, it } from "vitest";
import { z } from "zod";
import { schemaWords } from "../../../src/foundation/schema-words.ts";

function saidOf(schema: z.ZodType, value: unknown): string[] {
  return (schema.safeParse(value, { error: schemaWords }).error?.issues ?? []).map(({ message }) => message);
}

const kinds = z.discriminatedUnion("kind", [z.object({ kind: z.literal("a") }), z.object({ kind: z.literal("b") })]);
const settings = z.strictObject({ cpus: z.number(), pull: z.boolean() });

it.each([
  [z.string(), 5, "must be text"],
  [z.boolean(), "yes", "must be true or false"],
  [z.array(z.string()), "a", "must be a list"],
  [z.object({}), [], "must be an object"],
  [z.record(z.string(), z.string()), 1, "must be an object"],
  [z.int().min(1).max(10), 11, "must be an integer from 1 to 10"],
  [z.int().min(1).max(10), 1.5, "must be an integer from 1 to 10"],
  [z.int(), "x", "must be an integer"],
  [z.number().min(0), -1, "must be a number from 0"],
  [z.number().max(3), 4, "must be a number up to 3"],
  [z.number().positive().lt(2), 2, "must be a number above 0 and below 2"],
  [z.string().min(1), "", "must not be empty"],
  [z.string().min(3), "ab", "must have at least 3 characters"],
  [z.array(z.int()).max(1), [1, 2], "must have at most 1 entry"],
  [z.enum(["one", "two", "three"]), "four", 'must be "one", "two" or "three"'],
  [z.literal("1.0"), "2", 'must be "1.0"'],
  [z.iso.datetime(), "now", 'must be a date and time, such as "2026-01-31T09:30:00Z"'],
  [z.string().regex(/^a$/), "b", "must match /^a$/"],
  [kinds, { kind: "c" }, 'must be "a" or "b"'],
  [settings, { cpus: 1, pull: true, cpu: 2 }, 'has no key "cpu" (did you mean "cpus"?)'],
  [settings, { cpus: 1, pull: true, memory: 2 }, 'has no key "memory"; its keys are cpus, pull'],
  [z.object({ a: z.int().min(1) }), {}, "must be given: an integer from 1"],
  [z.object({ a: z.enum(["x", "y"]) }), {}, 'must be given: "x" or "y"'],
])("says what would be right: %#", (schema, value, words) => {
  expect(saidOf(schema, value)).toEqual([words]);
});

it("leaves the words that a schema brings", () => {
  expect(saidOf(z.string("must be a name"), 5)).toEqual(["must be a name"]);
});
