import type { Json, JsonObject } from "../../foundation/json.ts";

const ofFormat: Record<string, string> = {
  "date-time": "2026-01-31T12:00:00Z",
  date: "2026-01-31",
  email: "name@example.com",
  uri: "https://example.com/",
  uuid: "00000000-0000-4000-8000-000000000000",
  ipv4: "192.0.2.1",
};

const ofType: Record<string, Json> = {
  object: {},
  array: [],
  string: "text",
  integer: 1,
  number: 1.5,
  boolean: true,
  null: null,
};

/**
 * Data that satisfies a schema of `renderSchema`: with all fields, and values that were seen where it keeps some.
 * Undefined where no event had data.
 */
export function exampleOf(schema: JsonObject): Json | undefined {
  return schema.type === undefined && schema.anyOf === undefined ? undefined : exampleAt(schema);
}

function exampleAt(schema: JsonObject): Json {
  const [branch = schema] = (schema.anyOf as JsonObject[] | undefined) ?? [];
  const [type = "null"] = [branch.type as string | string[] | undefined].flat();
  if (type === "object") return exampleObject(branch);
  if (type === "array") return branch.items === undefined ? [] : [exampleAt(branch.items as JsonObject)];
  // The earliest that was seen, so rather the usual than the odd one.
  const [seen] = (schema.examples as Json[] | undefined) ?? [];
  return seen ?? ofFormat[branch.format as string] ?? ofType[type] ?? null;
}

function exampleObject({ properties, additionalProperties }: JsonObject): Json {
  if (additionalProperties !== undefined) return { name: exampleAt(additionalProperties as JsonObject) };
  const fields = Object.entries((properties as JsonObject | undefined) ?? {});
  return Object.fromEntries(fields.map(([name, field]) => [name, exampleAt(field as JsonObject)]));
}
