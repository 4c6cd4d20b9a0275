// @ts-check
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const skipped = new Set([".git", ".fx", ".tools", "node_modules", "LICENSE"]);

/** Written in pieces, so that this file passes its own check. */
const banned = [
  {
    words: new RegExp(`\\b(${["TO", "FIX", "X"].map((start, i) => start + ["DO", "ME", "XX"][i]).join("|")})\\b`),
    why: "unfinished work belongs in an issue",
  },
  {
    words: new RegExp(["something", "went", "wrong"].join("\\s+"), "i"),
    why: "say what failed, why, and what mends it",
  },
  { words: /"resolved":\s*"(https?|git\+)/, why: "the lock must fit every registry: it names no host" },
  { words: /\bregistry\.[a-z0-9-]+\.[a-z]{2,}/i, why: "which registry is used is the machine's own setting" },
];

/**
 * @param {string} file its name, for the message
 * @param {string} text
 * @returns {string[]} one line a violation: where, what was found, and why it is refused
 */
export function wordViolations(file, text) {
  return text.split("\n").flatMap((line, index) =>
    banned.flatMap(({ words, why }) => {
      const found = line.match(words);
      return found ? [`${file}:${index + 1}: "${found[0]}": ${why}`] : [];
    }),
  );
}

/**
 * Every violation in the text files below a folder; installed and generated folders are left out.
 *
 * @param {string} root
 * @param {string} [folder] relative to the root
 * @returns {string[]}
 */
export function violationsBelow(root, folder = "") {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const file = join(folder, entry.name);
    if (entry.isDirectory()) return violationsBelow(root, file);
    if (!entry.isFile()) return [];
    const bytes = readFileSync(join(root, file));
    // A NUL byte tells a binary file from text.
    return bytes.includes(0) ? [] : wordViolations(file, bytes.toString("utf8"));
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const violations = violationsBelow(resolve(dirname(fileURLToPath(import.meta.url)), "../.."));
  for (const line of violations) process.stdout.write(`${line}\n`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
