import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { peers } from "../../../bench/peers/peers.ts";

const page = readFileSync(new URL("../../../docs/benchmarks.md", import.meta.url), "utf8");

/** The first cells of the table under a heading. */
function contendersUnder(heading: string): string[] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return section
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.split("|")[1]?.trim() ?? "")
    .filter((cell) => cell !== "" && !cell.startsWith("---"));
}

describe("the page that compares has a row for every contender of the bench", () => {
  test.each(["Speed", "What each does for it"])("under %s", (heading) => {
    expect(contendersUnder(heading)).toEqual(peers.map(({ title }) => title));
  });
});
