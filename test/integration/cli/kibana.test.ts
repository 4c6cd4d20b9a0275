import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fx } from "../../support/cli.ts";
import { tempDir } from "../../support/temp-dir.ts";

interface SavedObject {
  id: string;
  type: string;
  attributes: Record<string, string> & { columns?: string[]; kibanaSavedObjectMeta?: { searchSourceJSON: string } };
  references: { id: string; name: string; type: string }[];
  migrationVersion: Record<string, string>;
}

interface Template {
  index_patterns: string[];
  template: { mappings: { properties: Record<string, { type?: string; properties?: Record<string, object> }> } };
}

async function exported(...words: string[]): Promise<{ objects: SavedObject[]; templates: Map<string, Template> }> {
  const directory = tempDir();
  const { code, talk } = await fx(["kibana", "export", "out", ...words], { directory });
  expect([code, talk]).toEqual([0, ""]);
  const lines = readFileSync(join(directory, "out/saved-objects.ndjson"), "utf8").trimEnd().split("\n");
  const names = readdirSync(join(directory, "out/index-templates"));
  const templates = names.map((name) => {
    const text = readFileSync(join(directory, "out/index-templates", name), "utf8");
    return [name.replace(".json", ""), JSON.parse(text) as Template] as const;
  });
  return { objects: lines.map((line) => JSON.parse(line) as SavedObject), templates: new Map(templates) };
}

describe("fx kibana export", () => {
  it.each(["kibana", "opensearch"])("writes objects for %s of which each refers to those before it", async (whose) => {
    const { objects } = await exported("--for", whose);
    expect(objects.map(({ type }) => type)).toEqual([
      "index-pattern",
      "index-pattern",
      "index-pattern",
      "index-pattern",
      "visualization",
      "visualization",
      "search",
      "visualization",
      "visualization",
      "visualization",
      "dashboard",
    ]);
    const before = new Set<string>();
    for (const { id, type, references, migrationVersion } of objects) {
      for (const reference of references) expect(before).toContain(`${reference.type}/${reference.id}`);
      before.add(`${type}/${id}`);
      expect(migrationVersion[type]).toMatch(/^7\.\d+\.\d$/);
    }
  });

  it("places every panel on the dashboard, and names in each only what its search source and its grid need", async () => {
    const { objects } = await exported();
    const dashboard = objects.find(({ type }) => type === "dashboard");
    const panels = JSON.parse(dashboard?.attributes.panelsJSON ?? "[]") as {
      panelRefName: string;
      gridData: { x: number; y: number; w: number; h: number };
    }[];
    expect(panels.map(({ panelRefName }) => panelRefName)).toEqual(dashboard?.references.map(({ name }) => name));
    const corners = panels.map(({ gridData: { x, y } }) => `${x}/${y}`);
    expect(new Set(corners).size).toBe(6);
    for (const { references, attributes } of objects.filter(({ type }) => /search|visualization/.test(type))) {
      const source = JSON.parse(attributes.kibanaSavedObjectMeta?.searchSourceJSON ?? "{}") as { indexRefName: string };
      expect(references.map(({ name }) => name)).toEqual([source.indexRefName]);
    }
  });

  it("asks only for fields that the index templates have", async () => {
    const { objects, templates } = await exported("--prefix", "shop");
    expect([...templates.keys()].sort()).toEqual([
      "shop-events",
      "shop-executions",
      "shop-lines",
      "shop-metrics",
      "shop-records",
    ]);
    const views = new Map(
      objects.filter(({ type }) => type === "index-pattern").map(({ id, attributes }) => [id, attributes.title]),
    );
    for (const { type, attributes, references } of objects.filter(({ type }) => /search|visualization/.test(type))) {
      const pattern = views.get(references[0]?.id ?? "");
      const template = [...templates.values()].find(({ index_patterns: [own] }) => own === pattern);
      const state = JSON.parse(attributes.visState ?? '{"aggs":[]}') as { aggs: { params: { field?: string } }[] };
      const fields = [...state.aggs.flatMap(({ params }) => params.field ?? []), ...(attributes.columns ?? [])];
      expect(fields.length, type).toBeGreaterThan(0);
      for (const field of fields) {
        const [outer = "", inner] = field.split(".");
        const found = template?.template.mappings.properties[outer];
        expect(inner === undefined ? found?.type : found?.properties?.[inner], `${pattern} ${field}`).toBeDefined();
      }
    }
  });

  it("refuses a prefix that no index can have", async () => {
    const { code, talk } = await fx(["kibana", "export", "out", "--prefix", "Shop/1"], { directory: tempDir() });
    expect([code, talk]).toEqual([2, expect.stringContaining("no prefix of indices")]);
  });
});
