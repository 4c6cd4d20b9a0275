import fc from "fast-check";
import { expect, test } from "vitest";
import { LogLines } from "../../../src/alerts/log-lines.ts";
import type { LogRecord } from "../../../src/executions/log-record.ts";

const record = (seq: number, text: string, more: Partial<LogRecord> = {}): LogRecord => ({
  ...{ executionId: "e-1", project: "p", service: "s", attempt: 1, step: 1, script: "main.py", at: 0 },
  ...{ seq, stream: "stdout", level: undefined, bytes: Buffer.from(text) },
  ...more,
});

test("however output is cut to records, each of its lines is there whole, under one key", () => {
  const text = fc.array(fc.constantFrom("a", "b", " ", "\n"), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(text, fc.array(fc.nat({ max: 60 })), (characters, cuts) => {
      const whole = characters.join("");
      const places = [...new Set([0, ...cuts.filter((cut) => cut < whole.length), whole.length])].sort((a, b) => a - b);
      const lines = new LogLines();
      const last = new Map<string, string>();
      for (const [index, from] of places.slice(0, -1).entries()) {
        for (const { key, text } of lines.take(record(index + 1, whole.slice(from, places[index + 1]))))
          last.set(key, text);
      }
      expect([...last.values()]).toEqual(whole.split("\n").filter((line) => line.trim() !== ""));
    }),
  );
});

test("streams and runs do not run into each other, and a line of logging is one whatever it contains", () => {
  const lines = new LogLines();
  const texts = (of: LogRecord) => lines.take(of).map(({ text }) => text);
  expect(texts(record(1, "out"))).toEqual(["out"]);
  expect(texts(record(2, "err", { stream: "stderr" }))).toEqual(["err"]);
  expect(texts(record(1, "other", { executionId: "e-2" }))).toEqual(["other"]);
  expect(texts(record(3, "a\nb", { stream: "log" }))).toEqual(["a\nb"]);
  expect(texts(record(4, " of memory\nnext"))).toEqual(["out of memory", "next"]);
});
