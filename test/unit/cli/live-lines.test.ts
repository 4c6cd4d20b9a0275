import { describe, expect, it } from "vitest";
import { DrawnLines, StayingLines } from "../../../src/cli/terminal/live-lines.ts";
import { screenOf } from "../../support/screen.ts";

function drawn(rows: number) {
  let sent = "before\n";
  const out = {
    rows,
    write: (text: string | Uint8Array) => {
      sent += text;
      return true;
    },
  };
  return { lines: new DrawnLines(out as NodeJS.WriteStream), seen: () => screenOf(sent) };
}

describe("lines that are drawn anew", () => {
  it("stand below what is there, each in its place, and are gone when something better comes", () => {
    const { lines, seen } = drawn(24);
    lines.say("a", "a begins");
    lines.say("b", "b begins");
    lines.say("a", "a has ended");
    expect(seen()).toEqual(["before", "a has ended", "b begins", ""]);
    lines.clear();
    expect(seen()).toEqual(["before", ""]);
    lines.clear();
    lines.say("c", "c");
    expect(seen()).toEqual(["before", "c", ""]);
  });

  it("are the newest where not all have a row, one that was out of sight and has news among them", () => {
    const { lines, seen } = drawn(3);
    for (const key of ["a", "b", "c"]) lines.say(key, `${key} begins`);
    expect(seen()).toEqual(["before", "b begins", "c begins", ""]);
    lines.say("a", "a has ended");
    expect(seen()).toEqual(["before", "c begins", "a has ended", ""]);
  });
});

it("lines that stay are told by a word when they are many", () => {
  const said: string[] = [];
  const lines = new StayingLines((text) => said.push(text));
  for (let at = 0; at < 70; at += 1) lines.say("same", `line ${at}`);
  lines.clear();
  expect([said.length, said.at(0), said.at(59), said.at(60)]).toEqual([
    61,
    "line 0",
    "line 59",
    "… and more; the tree follows at the end",
  ]);
});
