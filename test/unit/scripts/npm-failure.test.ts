import { expect, test } from "vitest";
import { explainNpmFailure } from "../../../scripts/setup/npm-failure.mjs";

test.each([
  ["npm error code ENOTFOUND\nnpm error network request failed", "could not reach its registry"],
  ["npm error code ECONNREFUSED", "could not reach its registry"],
  ["npm error code ENOSPC\nnpm error nospc There appears to be insufficient space", "the disk is full"],
  ["npm error code EACCES\nnpm error syscall mkdir", "may not write here"],
  ["npm error code EINTEGRITY\nnpm error sha512-... integrity checksum failed", "not the one that was pinned"],
  ["npm error code EUSAGE\nnpm error `npm ci` can only install", "does not fit package.json"],
  ["npm error code SELF_SIGNED_CERT_IN_CHAIN", "does not trust the certificate"],
])("%j is explained, with a command that mends it", (words, why) => {
  const explained = explainNpmFailure(words, 1);
  expect(explained.why).toContain(why);
  expect(explained.fix).toContain("run the same command again");
  expect(explained.detail).toBe(words);
});

test("an unknown failure tells npm's exit code and shows the beginning of its words", () => {
  const words = Array.from({ length: 40 }, (_, line) => `line ${line}`).join("\n");
  const { why, detail } = explainNpmFailure(words, 7);
  expect(why).toBe("npm ended with code 7");
  expect(detail.split("\n")).toHaveLength(15);
  expect(detail).toMatch(/^line 0\n/);
});
