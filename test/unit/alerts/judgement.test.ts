import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AlertCondition, AlertRule } from "../../../src/alerts/alert-rule.ts";
import { isStreamed, judge, type SubjectState, type Turn } from "../../../src/alerts/judgement.ts";
import type { Sighting } from "../../../src/alerts/sighting.ts";
import type { AlertRuleId } from "../../../src/foundation/ids.ts";

const since = 1_767_225_600_000;
const failing: AlertCondition = { kind: "failure_rate", window: 60, percent: 50, minimum: 3 };

function judged(condition: AlertCondition, portions: readonly Sighting[][], until?: number): Turn[] {
  const rule = { id: "r" as AlertRuleId, revision: 1, since, createdAt: since, condition } as AlertRule;
  if (!isStreamed(rule)) throw new Error("only kinds that judge what passes");
  let state: SubjectState = { state: undefined, judgedTo: since, open: false };
  const turns: Turn[] = [];
  for (const [index, portion] of portions.entries()) {
    const result = judge(rule, "s", state, portion, index === portions.length - 1 ? until : undefined);
    // As it comes back from where it is stored.
    state = JSON.parse(JSON.stringify(result.next));
    turns.push(...result.turns);
  }
  return turns;
}

const told = (turns: readonly Turn[]) => turns.map(({ turn, at }) => [turn, (at - since) / 1000]);
const seen = (second: number, more: Partial<Sighting> = {}): Sighting => {
  return {
    ruleId: "r" as AlertRuleId,
    revision: 1,
    subject: "s",
    at: since + second * 1000,
    key: `${second}`,
    ...more,
  };
};
const failed = (second: number) => seen(second, { failed: true });

describe("a failure rate", () => {
  test("fires with its last run, holds while more fail, and is over when the window has passed", () => {
    const turns = judged(failing, [[failed(1), seen(2), failed(3), failed(30)]], since + 200_000);
    expect(turns.map(({ turn }) => turn)).toEqual(["raised", "resolved"]);
    expect(told(turns)[0]).toEqual(["raised", 3]);
    expect((turns[1]?.at ?? 0) - since).toBeGreaterThanOrEqual(90_000);
    expect((turns[1]?.at ?? 0) - since).toBeLessThanOrEqual(92_000);
  });

  test("does not end because there are fewer runs than it needs to begin, but ends with runs that succeed", () => {
    expect(told(judged(failing, [[failed(1), failed(2), failed(30)]], since + 70_000))).toEqual([["raised", 30]]);
    const mended = [failed(1), failed(2), failed(3), seen(4), seen(5), seen(6), seen(7)];
    expect(told(judged(failing, [mended]))).toEqual([
      ["raised", 3],
      ["resolved", 7],
    ]);
  });

  test("fires by time alone when the runs that succeeded leave the window before those that failed", () => {
    const early = Array.from({ length: 10 }, (_, n) => seen(n * 0.1, { key: `early-${n}` }));
    const turns = judged(failing, [[...early, failed(40), failed(41), failed(42)]], since + 80_000);
    expect(turns).toMatchObject([{ turn: "raised", facts: { ended: 3, failed: 3 } }]);
  });

  test("the same runs in other portions, some of them twice, raise and resolve the same", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ after: fc.integer({ min: 0, max: 40 }), bad: fc.boolean() }), { maxLength: 60 }),
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 20 }),
        (runs, sizes) => {
          let second = 0;
          const all = runs.map(({ after, bad }, n) => {
            second += after;
            return seen(second, { key: `${n}`, failed: bad });
          });
          const portions: Sighting[][] = [];
          for (let from = 0, n = 0; from < all.length; n += 1) {
            const size = sizes[n % sizes.length] ?? 1;
            portions.push([...all.slice(Math.max(0, from - 1), from), ...all.slice(from, from + size)]);
            from += size;
          }
          const until = since + (second + 200) * 1000;
          expect(judged(failing, [...portions, []], until)).toEqual(judged(failing, [all, []], until));
        },
      ),
    );
  });
});

describe("silence", () => {
  const quiet: AlertCondition = { kind: "silence", type: "beat", for: 60 };

  test("is not told between two events that are read together: what came from elsewhere is not known yet", () => {
    expect(judged(quiet, [[seen(1), seen(500)]])).toEqual([]);
  });

  test("begins exactly when it was silent for so long, whether it is looked at by itself or with the last event", () => {
    expect(told(judged(quiet, [[seen(10)], []], since + 300_000))).toEqual([["raised", 70]]);
    expect(told(judged(quiet, [[seen(10)]], since + 300_000))).toEqual([["raised", 70]]);
  });
});

describe("a line", () => {
  test("fires at the count, and is over when the window holds fewer", () => {
    const pattern: AlertCondition = { kind: "log_pattern", query: "x", count: 2, window: 60 };
    const turns = judged(pattern, [[seen(1), seen(1), seen(5)], []], since + 100_000);
    expect(turns.map(({ turn }) => turn)).toEqual(["raised", "resolved"]);
    expect(told(turns)[0]).toEqual(["raised", 5]);
  });
});

describe("a duration", () => {
  const slow: AlertCondition = { kind: "duration", deviations: 4, direction: "slower", runs: 2, minimum: 10 };
  const took = (second: number, durationMs: number) => seen(second, { durationMs, executionId: `e-${second}` });
  const steady = Array.from({ length: 20 }, (_, n) => took(n, 100 + (n % 5)));

  test("fires after so many far runs in a row, ends after as many near ones, and a single one does nothing", () => {
    const runs = [
      ...steady,
      took(30, 9000),
      took(31, 100),
      took(32, 9000),
      took(33, 9000),
      took(34, 100),
      took(35, 101),
    ];
    expect(told(judged(slow, [runs]))).toEqual([
      ["raised", 33],
      ["resolved", 35],
    ]);
  });

  test("is over a day after the last run", () => {
    const turns = judged(slow, [[...steady, took(30, 9000), took(31, 9000)], []], since + 3 * 86_400_000);
    expect(told(turns)).toEqual([
      ["raised", 31],
      ["resolved", 31 + 86_400],
    ]);
  });
});
