import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { apiReference, apiReferenceOf, openApiDocument } from "../../../scripts/docs/api-reference.ts";
import { references } from "../../../scripts/docs/references.ts";
import { platformEventTypes } from "../../../src/events/reserved-types.ts";

describe("documents that are made from code", () => {
  it.each(Object.entries(references))("%s says what the code says (npm run docs)", async (path, make) => {
    expect(readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")).toBe(await make());
  });

  it("the guide tells of every event that the platform itself sends", () => {
    const page = readFileSync(new URL("../../../docs/guide/events.md", import.meta.url), "utf8");
    expect(Object.values(platformEventTypes).filter((type) => !page.includes(`\`${type}\``))).toEqual([]);
  });

  it("the guide tells of every figure of /metrics that is the platform's own", () => {
    const page = readFileSync(new URL("../../../docs/guide/logs.md", import.meta.url), "utf8");
    const source = new URL("../../../src/", import.meta.url);
    const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    const texts = files.map((name) => readFileSync(new URL(name, source), "utf8"));
    const names = texts.flatMap((text) =>
      [...text.matchAll(/(?:name: |gauge\(|counter\()"(fx_\w+)"/g)].map(([, name]) => name as string),
    );
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it("the page of the API has every route, and is not made while one would be on no part of it", async () => {
    const [document, page] = await Promise.all([openApiDocument(), apiReference()]);
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `### ${method.toUpperCase()} ${path}`),
    );
    expect(routes.length).toBeGreaterThan(50);
    expect(page.split("\n")).toEqual(expect.arrayContaining(routes));
    const tags = document.tags.filter(({ name }) => name !== "mappings");
    expect(() => apiReferenceOf({ ...document, tags })).toThrow("/api/v1/mappings");
  });
});
