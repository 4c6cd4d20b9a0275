import { describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../../src/events/cloud-event.ts";
import type { CapturedEffect } from "../../../../src/executions/captured-effect.ts";
import type { Step } from "../../../../src/executions/execution.ts";
import type { Json } from "../../../../src/foundation/json.ts";
import { diffEmitted } from "../../../../src/manager/replays/emitted-diff.ts";
import { diffJson } from "../../../../src/manager/replays/json-diff.ts";
import { diffOutputs } from "../../../../src/manager/replays/output-diff.ts";

const sent = (type: string, data?: Json): CloudEvent => ({
  specversion: "1.0",
  id: `original-${type}`,
  source: "/s",
  type,
  time: "2026-01-31T12:00:00Z",
  ...(data === undefined ? {} : { datacontenttype: "application/json", data }),
});

const captured = (type: string, data?: Json): CapturedEffect => ({
  n: 1,
  step: 1,
  kind: "emit",
  content: { type, source: "/s", correlationid: "flow", ...(data === undefined ? {} : { data }) },
});

const step = (n: number, preview: string, sizeBytes = Buffer.byteLength(preview)): Step => ({
  n,
  script: "main.py",
  attempt: 1,
  status: "completed",
  exitCode: 0,
  startedAt: 1,
  finishedAt: 2,
  output: { preview, sizeBytes, truncated: false },
});

describe("emitted events", () => {
  test("are the same in any order, whatever their ids and times", () => {
    const diff = diffEmitted(
      [sent("a", 1), sent("a", 2), sent("b")],
      [captured("b"), captured("a", 2), captured("a", 1)],
    );
    expect(diff).toEqual({ same: true, removed: [], added: [], changed: [] });
  });

  test("count as often as they were sent", () => {
    const diff = diffEmitted([sent("a", 1), sent("a", 1)], [captured("a", 1)]);
    expect(diff).toMatchObject({ same: false, removed: [{ type: "a", data: 1 }], added: [] });
  });

  test("of one type whose data differs are told path by path; others as added and removed", () => {
    const before = [sent("a", { price: 1, items: ["x"] }), sent("gone")];
    const diff = diffEmitted(before, [captured("a", { price: 2, items: ["x", "y"] }), captured("new")]);
    expect(diff.changed).toEqual([
      {
        event: { type: "a", source: "/s", subject: null },
        changes: [
          { path: "price", before: 1, after: 2 },
          { path: "items[1]", after: "y" },
        ],
      },
    ]);
    expect(diff.removed.map(({ type }) => type)).toEqual(["gone"]);
    expect(diff.added.map(({ type }) => type)).toEqual(["new"]);
  });

  test("are compared without data where retention took it from the original", () => {
    const { data: _data, ...stripped } = sent("a", { price: 1 });
    expect(diffEmitted([stripped as CloudEvent], [captured("a", { price: 2 })]).same).toBe(true);
  });
});

describe("outputs", () => {
  test("that are equal have no difference; else a unified one, step by step", () => {
    const diffs = diffOutputs([step(1, "one\n"), step(2, "two\n")], [step(1, "one\n"), step(2, "three\n")]);
    expect(diffs[0]).toMatchObject({ n: 1, same: true, diff: null });
    expect(diffs[1]?.diff).toBe("@@ -1,1 +1,1 @@\n-two\n+three\n");
  });

  test("of which only the beginning is kept differ where their sizes do", () => {
    const [diff] = diffOutputs([step(1, "one\n", 100_000)], [step(1, "one\n", 100_001)]);
    expect(diff).toMatchObject({ same: false, diff: null, truncated: true });
  });

  test("that have nothing in common are told to differ within bounds", () => {
    const lines = (word: string) => Array.from({ length: 5000 }, (_, n) => `${word} ${n}`).join("\n");
    const [diff] = diffOutputs([step(1, lines("left"))], [step(1, lines("right"))]);
    expect(diff).toMatchObject({ same: false, diff: null, truncated: true });
  });
});

test("values that differ as a whole are one change; those that are equal none", () => {
  expect(diffJson({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] })).toEqual([]);
  expect(diffJson([1], { 0: 1 })).toEqual([{ path: "", before: [1], after: { 0: 1 } }]);
  expect(diffJson(undefined, null)).toEqual([{ path: "", after: null }]);
});
