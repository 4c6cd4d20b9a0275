import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sha256Parts } from "../../../src/foundation/hash.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { canonicalJson } from "../../../src/foundation/json.ts";
import { systemRandom } from "../../../src/foundation/random.ts";

describe("ids", () => {
  test("are strictly increasing, also when the clock stands still or steps back", () => {
    let nowMs = 1_000_000;
    const clock = { now: () => nowMs, monotonic: () => 0, setTimer: () => ({ cancel() {} }) };
    const ids = createIds(clock, systemRandom);
    const made: string[] = [];
    for (let at = 0; at < 2000; at += 1) {
      if (at % 7 === 0) nowMs += at % 2 === 0 ? 5 : -3;
      made.push(ids.next());
    }
    expect(made).toEqual([...new Set(made)].sort());
  });
});

describe("canonical JSON", () => {
  test("is one text for equal values, whatever the order of keys", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    expect(canonicalJson({ b: 1, a: { d: 2, c: 3 } })).toBe(canonicalJson({ a: { c: 3, d: 2 }, b: 1 }));
  });
});

describe("a hash over parts", () => {
  test("tells where one part ends and the next begins", () => {
    expect(sha256Parts("ab", "c")).not.toBe(sha256Parts("a", "bc"));
    expect(sha256Parts("a", "b")).toBe(sha256Parts(Buffer.from("a"), "b"));
  });
});
