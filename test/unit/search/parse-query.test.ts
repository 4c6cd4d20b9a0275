import fc from "fast-check";
import { expect, test } from "vitest";
import { isPlatformError } from "../../../src/foundation/errors.ts";
import { queryNodes } from "../../../src/search/drawn-queries.contract.ts";
import { parseQuery } from "../../../src/search/parse-query.ts";
import { printQuery } from "../../../src/search/print-query.ts";
import { logFields } from "../../../src/search/query-fields.ts";
import { splitTimeRange } from "../../../src/search/time-range.ts";
import { wordsOf } from "../../../src/search/words.ts";

const parse = (text: string) => parseQuery(text, logFields);
const text = (value: string, prefix = false) => ({ kind: "text", text: value, prefix });
const field = (name: string, value: string, prefix = false) => ({ kind: "field", field: name, value, prefix });

test("words, phrases, fields, negation, OR and groups are read with AND between neighbours", () => {
  expect(parse('timeout "connection refused" service:shop/orders -level:debug')).toEqual({
    kind: "and",
    of: [
      text("timeout"),
      text("connection refused"),
      field("service", "shop/orders"),
      { kind: "not", of: field("level", "debug") },
    ],
  });
  expect(parse("a AND b OR NOT (c d)")).toEqual({
    kind: "or",
    of: [
      { kind: "and", of: [text("a"), text("b")] },
      { kind: "not", of: { kind: "and", of: [text("c"), text("d")] } },
    ],
  });
  expect(parse("conn* and")).toEqual({ kind: "and", of: [text("conn", true), text("and")] });
  expect(parse('script:"a b*.py" service:ord*')).toEqual({
    kind: "and",
    of: [field("script", "a b*.py"), field("service", "default/ord", true)],
  });
  expect(parse("")).toEqual({ kind: "all" });
  expect(parse("  * ")).toEqual({ kind: "all" });
});

test("levels have an order, numbers and times have limits and ranges", () => {
  expect(parse("level:>=WARN")).toEqual({ kind: "compare", field: "level", op: ">=", value: 3 });
  expect(parse("step:[1 TO 3]")).toEqual({
    kind: "and",
    of: [
      { kind: "compare", field: "step", op: ">=", value: 1 },
      { kind: "compare", field: "step", op: "<=", value: 3 },
    ],
  });
  const { node, range } = splitTimeRange(parse("x at:>=2026-01-01T00:00 at:<2026-01-02T00:00+02:00"));
  expect(node).toEqual(text("x"));
  expect(range).toEqual({ from: Date.UTC(2026, 0, 1), to: Date.UTC(2026, 0, 1, 22) });
});

test.each([
  ['"open', 1, "not closed"],
  ["a (b", 3, "not closed"],
  ["a )", 3, "closes nothing"],
  ["a OR", 5, "missing here"],
  ["AND b", 1, "before AND"],
  ["a colour:red", 3, '"colour" is no field: there are level, service'],
  ["level:loud", 7, "one of none, debug, info"],
  ["level:", 7, "without a space"],
  ["step:-1", 6, "whole number from 0 to 1000"],
  ["step:>x", 7, "whole number from 0 to 1000"],
  ["script:>a", 8, "has no order"],
  ["a*b", 2, "only at the end"],
  ["a ---", 6, "missing here"],
  ["a !!!", 3, "no letter or digit"],
  ["at:2026-01-01", 4, "at:>=2026"],
  ["at:>2026-02-31", 5, "such as 2026-01-31"],
  ["step:[1 3]", 6, "[from TO to]"],
  ['"a\\n"', 3, "backslash"],
])("%s is refused at character %d", (query, character, message) => {
  expect(() => parse(query)).toThrow(
    expect.objectContaining({
      code: "invalid-input",
      message: expect.stringMatching(new RegExp(`^character ${character} of the query: .*${escaped(message)}`)),
    }),
  );
});

function escaped(words: string): string {
  return words.replace(/[[\]*+?]/g, "\\$&");
}

test("a limit of time within OR or NOT is refused", () => {
  for (const query of ["a OR at:>2026-01-01", "-at:>2026-01-01"]) {
    expect(() => splitTimeRange(parse(query))).toThrow(expect.objectContaining({ code: "invalid-input" }));
  }
});

test("whatever the text is, it is read or refused as invalid input", () => {
  const pieces = fc.constantFrom(
    "level:",
    "at:",
    "[",
    "]",
    " TO ",
    "(",
    ")",
    '"',
    "*",
    "-",
    ">",
    "OR",
    "NOT",
    " ",
    "a",
    "\\",
    "7",
  );
  const anyText = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(pieces, { maxLength: 30 }).map((all) => all.join("")),
  );
  fc.assert(
    fc.property(anyText, (query) => {
      try {
        parse(query);
      } catch (error) {
        expect(isPlatformError(error, "invalid-input")).toBe(true);
      }
    }),
    { numRuns: 2000 },
  );
  expect(() => parse("(".repeat(4000))).toThrow("nested 30 deep");
  expect(() => parse("a ".repeat(1000))).toThrow("at most 200 terms");
});

test("a query that is printed and read again is the same query", () => {
  fc.assert(
    fc.property(queryNodes, (node) => {
      expect(parse(printQuery(node, logFields))).toEqual(node);
    }),
    {
      numRuns: 1000,
    },
  );
});

test("words are letters, digits and _, whatever the case; scripts without spaces give single characters", () => {
  expect(wordsOf("ORD-12: Größe=3 a_b 東京タワー2")).toEqual([
    "ord",
    "12",
    "größe",
    "3",
    "a_b",
    "東",
    "京",
    "タ",
    "ワ",
    "ー",
    "2",
  ]);
});
