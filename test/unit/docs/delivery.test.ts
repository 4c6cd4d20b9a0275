import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../../..");
const read = (name: string) => readFileSync(path.join(root, name), "utf8");

const sections = read("docs/delivery.md")
  .split(/^### /m)
  .slice(1)
  .map((text) => ({ rule: text.slice(0, text.indexOf(".")), text }));

/** Files of a line that begins with these words, up to the end of its paragraph. */
function filesAfter(words: string, text: string): string[] {
  const line = text.slice(text.indexOf(`\n${words}`)).split(/\n(?=[A-Z])|\n\n/)[1] ?? "";
  return text.includes(`\n${words}`) ? [...line.matchAll(/`([^`]+)`/g)].map(([, file]) => file ?? "") : [];
}

describe("delivery.md", () => {
  test("tells of every rule, once and in order", () => {
    const numbered = (letter: string, count: number) =>
      Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);
    expect(sections.map(({ rule }) => rule)).toEqual([...numbered("D", 20), ...numbered("S", 6)]);
  });

  test.each(sections)("$rule is kept and tested somewhere, or told to belong to a later release", ({ text }) => {
    const simulated = text.includes("the simulation");
    const told = filesAfter("Kept in", text).length > 0 && (simulated || filesAfter("Tested in", text).length > 0);
    expect(told || text.includes("*A later release.*") || text.includes("*A later release*,")).toBe(true);
  });

  test.each(sections)("$rule is named by each file that is said to test it", ({ rule, text }) => {
    const named = new RegExp(`\\b${rule}\\b|\\b[DS]\\d+-[DS]\\d+:`);
    expect(filesAfter("Tested in", text).filter((file) => !named.test(read(file)))).toEqual([]);
  });
});
