import { expect, it } from "vitest";
import { LineReader } from "../../../../src/executor/environments/line-reader.ts";

it("lines are those of the whole, however their bytes come, cut where they are too long", () => {
  const text = Buffer.from("grün\n\nzweite\r\nvery long indeed\nend");
  for (let size = 1; size <= text.length; size += 1) {
    const lines: string[] = [];
    const reader = new LineReader(9, (line) => lines.push(line));
    for (let at = 0; at < text.length; at += size) reader.read(text.subarray(at, at + size));
    reader.end();
    expect(lines).toEqual(["grün", "", "zweite\r", "very long", "end"]);
  }
});
