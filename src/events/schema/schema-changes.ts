import type { Json, JsonObject } from "../../foundation/json.ts";

/** One thing in which two schemas of a type differ. */
export interface SchemaChange {
  /** As filters write it: `data.items[].price`; `{}` stands for any name of a map. */
  path: string;
  what: "field" | "required" | "type" | "format" | "enum";
  /** Null: there was none. */
  before: Json;
  after: Json;
}

/** A type's data as told by one version. */
export interface DataSchema {
  schema: JsonObject;
  dataRequired: boolean;
}

interface Facts {
  required: boolean;
  types: string[];
  format: Json;
  values: Json[] | undefined;
}

/**
 * What a consumer must know: fields that are new or gone, no longer always there, of other types, without the format
 * or the few values that they had. What only became more certain, such as an enumeration found, is no change.
 */
export function schemaChanges(before: DataSchema, after: DataSchema): SchemaChange[] {
  const [old, now] = [factsOf(before), factsOf(after)];
  const changes: SchemaChange[] = [];
  for (const path of new Set([...old.keys(), ...now.keys()])) changes.push(...changesAt(path, old, now));
  return changes;
}

function changesAt(path: string, old: Map<string, Facts>, now: Map<string, Facts>): SchemaChange[] {
  const [before, after] = [old.get(path), now.get(path)];
  if (before === undefined || after === undefined) {
    // The change at the field above tells of what lies below it.
    if (!(old.has(parentOf(path)) && now.has(parentOf(path)))) return [];
    if (isNested(path)) return [];
    return [{ path, what: "field", before: before?.types ?? null, after: after?.types ?? null }];
  }
  const changes: SchemaChange[] = [];
  const told = (what: SchemaChange["what"], from: Json, to: Json) =>
    changes.push({ path, what, before: from, after: to });
  if (before.required && !after.required) told("required", true, false);
  // Nothing was seen there before, such as items of arrays that were all empty.
  if (before.types.length > 0 && String(before.types) !== String(after.types)) told("type", before.types, after.types);
  if (before.format !== null && before.format !== after.format) told("format", before.format, after.format);
  if (before.values && String(before.values) !== String(after.values))
    told("enum", before.values, after.values ?? null);
  return changes;
}

const steps = /(?:\[\]|\{\}|\.[^.[\]{}]*)$/;

function parentOf(path: string): string {
  return path.replace(steps, "");
}

/** Items and maps come and go with the types of what holds them. */
function isNested(path: string): boolean {
  return path.endsWith("[]") || path.endsWith("{}");
}

function factsOf({ schema, dataRequired }: DataSchema): Map<string, Facts> {
  const facts = new Map<string, Facts>();
  collect(schema, "data", dataRequired, facts);
  return facts;
}

function collect(schema: JsonObject, path: string, required: boolean, facts: Map<string, Facts>): void {
  const branches = (schema.anyOf as JsonObject[] | undefined) ?? [schema];
  const found: Facts = { required, types: [], format: null, values: undefined };
  facts.set(path, found);
  for (const branch of branches) {
    if (branch.type !== undefined) found.types.push(...[branch.type as string | string[]].flat());
    found.format = branch.format ?? found.format;
    found.values = (branch.enum as Json[] | undefined) ?? found.values;
    const always = new Set(branch.required as string[] | undefined);
    for (const [name, field] of Object.entries((branch.properties as JsonObject | undefined) ?? {})) {
      collect(field as JsonObject, `${path}.${stepOf(name)}`, always.has(name), facts);
    }
    if (branch.items !== undefined) collect(branch.items as JsonObject, `${path}[]`, true, facts);
    if (branch.additionalProperties !== undefined) {
      collect(branch.additionalProperties as JsonObject, `${path}{}`, true, facts);
    }
  }
  found.types.sort();
}

/** A name that would read as something else is percent-encoded where it would. */
function stepOf(name: string): string {
  return name.replaceAll(/[.[\]{}%]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The same for schemas that differ in examples only. */
export function withoutExamples(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(withoutExamples);
  if (typeof schema !== "object" || schema === null) return schema;
  const isSchema = "type" in schema || "anyOf" in schema;
  const kept = Object.entries(schema).filter(
    ([name, value]) => !(isSchema && name === "examples" && Array.isArray(value)),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, withoutExamples(value)]));
}
