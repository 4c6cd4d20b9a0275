import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cliReference, cliReferenceFile } from "../../../scripts/docs/cli-reference.ts";

test("docs/reference/cli.md says what the commands' definitions say; `npm run docs` renews it", () => {
  expect(readFileSync(cliReferenceFile, "utf8")).toBe(cliReference());
});
