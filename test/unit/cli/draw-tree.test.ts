import { expect, test } from "vitest";
import { drawnExecutions, drawTree } from "../../../src/cli/flow/draw-tree.ts";
import { buildFlowTree } from "../../../src/cli/flow/flow-tree.ts";
import { eventAnswer, executionAnswer } from "./flow-answers.ts";

const plain = {
  paint: (_style: unknown, text: string) => text,
  outputs: new Map<string, string[]>(),
  everything: false,
};

test("a chain is drawn as a tree: under an event what it started, under that what it emitted", () => {
  const roots = buildFlowTree({
    events: [
      eventAnswer("priced", 100, { by: "one" }),
      eventAnswer("placed", 0),
      eventAnswer("said", 120, { by: "one", outcome: "unmatched" }),
    ],
    executions: [executionAnswer("two", "priced"), executionAnswer("one", "placed")],
  });
  const outputs = new Map([["one", ["total 42"]]]);
  expect(drawTree(roots, { ...plain, outputs })).toBe(
    [
      "◆ type.placed",
      "└─ ■ default/service-one  completed  85 ms  one",
      "   │ total 42",
      "   ├─ ◆ type.priced  +100 ms",
      "   │  └─ ■ default/service-two  completed  85 ms  two",
      "   └─ ◆ type.said  +120 ms  unmatched",
    ].join("\n"),
  );
});

test("fifty events of one kind are drawn as the one that went on and a count; failures are always drawn", () => {
  const many = Array.from({ length: 50 }, (_, n) => `part-${n}`);
  const parts = {
    events: [
      eventAnswer("root", 0),
      ...many.map((key, n) => eventAnswer(key, n + 1, { type: "part", by: "split" })),
      eventAnswer("done", 99, { by: "run-part-49" }),
    ],
    executions: [
      executionAnswer("split", "root"),
      ...many.map((key) => executionAnswer(`run-${key}`, key, key === "part-7" ? { status: "failed" } : {})),
    ],
  };
  const lines = drawTree(buildFlowTree(parts), plain).split("\n");
  expect(lines).toContain("   └─ ◆ 48 more events part; executions below them: 48 completed");
  expect(lines.filter((line) => line.includes("run-part"))).toHaveLength(2);
  expect(lines.join("\n")).toMatch(/failed.*run-part-7\n/);
  expect(lines.join("\n")).toContain("type.done");
  expect(drawnExecutions(buildFlowTree(parts), false)).toEqual(["split", "run-part-7", "run-part-49"]);
  expect(drawnExecutions(buildFlowTree(parts), true)).toHaveLength(51);
});

test("a retry by hand stands beside the run that it repeats, and an execution whose event is gone still shows", () => {
  const roots = buildFlowTree({
    events: [eventAnswer("placed", 0)],
    executions: [
      executionAnswer("one", "placed", {
        status: "failed",
        error: { kind: "exit", message: "exit code 3\nmore", script: "a.py", exitCode: 3 },
      }),
      executionAnswer("again", "placed", { retryOf: "one", attempt: 2 }),
      executionAnswer("lonely", "gone"),
    ],
  });
  const text = drawTree(roots, plain);
  expect(text).toContain("exit code 3\n");
  expect(text).toContain("service-again  completed  85 ms, attempt 2  (retried by hand)");
  expect(text).toContain("◆ type.gone");
});
