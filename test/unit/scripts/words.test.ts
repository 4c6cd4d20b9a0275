import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { violationsBelow, wordViolations } from "../../../scripts/check/words.mjs";
import { tempDir } from "../../support/temp-dir.ts";

// Put together here, so that this file passes the check itself.
const unfinished = ["TO", "DO"].join("");
const mend = ["FIX", "ME"].join("");
const vague = ["Something went", "wrong"].join(" ");
const host = ["registry", "npmjs", "org"].join(".");

test.each([
  ["an unfinished piece of work", `// ${unfinished}: later`],
  ["a known fault left in", `# ${mend} soon`],
  ["an error that says nothing", `throw new Error("${vague}")`],
  ["the same in another case", vague.toLowerCase()],
  ["a host in the lock", `"resolved": ${JSON.stringify("https://example.test/a.tgz")}`],
  ["a registry's name", `npm config set //${host}/`],
])("%s is refused, with file and line", (_, line) => {
  expect(wordViolations("a.ts", `first\n${line}\n`)).toEqual([expect.stringMatching(/^a\.ts:2: ".+": .+/)]);
});

test("words that merely contain a refused one pass", () => {
  expect(wordViolations("a.ts", `${unfinished}S mastodon "resolved": "sdk/typescript"`)).toEqual([]);
});

test("every text file of the tree is read, installed and binary ones are not", () => {
  const root = tempDir();
  mkdirSync(join(root, "docs"));
  mkdirSync(join(root, "node_modules"));
  writeFileSync(join(root, "docs", "page.md"), unfinished);
  writeFileSync(join(root, "node_modules", "theirs.js"), unfinished);
  writeFileSync(join(root, "picture.png"), `\0${unfinished}`);
  expect(violationsBelow(root)).toEqual([expect.stringContaining("docs/page.md:1")]);
});
