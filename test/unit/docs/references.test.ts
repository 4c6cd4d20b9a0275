import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { references } from "../../../scripts/docs/references.ts";

describe("documents that are made from code", () => {
  it.each(Object.entries(references))("%s says what the code says (npm run docs)", async (path, make) => {
    expect(readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")).toBe(await make());
  });
});
