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
  /** Its objects have fields by name. */
  hasFields: boolean;
}

/**
 * What a consumer must know: fields that are new, names that became data, what is no longer always there, of other types, without the format
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
    // What is no longer told of lies in a map now, or too deep to be looked at.
    if (after === undefined) return [];
    const parent = old.get(parentOf(path));
    // The change at the field above tells of what lies below it; items and maps come with the types of what holds them.
    const isNews = path.endsWith("{}") ? parent?.hasFields : parent !== undefined && !path.endsWith("[]");
    return isNews ? [{ path, what: "field", before: null, after: after.types }] : [];
  }
  const changes: SchemaChange[] = [];
  const told = (what: SchemaChange["what"], from: Json, to: Json) =>
    changes.push({ path, what, before: from, after: to });
  if (before.required && !after.required) told("required", true, false);
  // Nothing was seen there before, such as items of arrays that were all empty.
  if (before.types.length > 0 && differ(before.types, after.types)) told("type", before.types, after.types);
  if (before.format !== null && before.format !== after.format) told("format", before.format, after.format);
  if (before.values && differ(before.values, after.values)) told("enum", before.values, after.values ?? null);
  return changes;
}

const steps = /(?:\[\]|\{\}|\.[^.[\]{}]*)$/;

export function parentOf(path: string): string {
  return path.replace(steps, "");
}

function differ(before: Json, after: Json | undefined): boolean {
  return JSON.stringify(before) !== JSON.stringify(after);
}

function factsOf({ schema, dataRequired }: DataSchema): Map<string, Facts> {
  const facts = new Map<string, Facts>();
  collect(schema, "data", dataRequired, facts);
  return facts;
}

function collect(schema: JsonObject, path: string, required: boolean, facts: Map<string, Facts>): void {
  const branches = (schema.anyOf as JsonObject[] | undefined) ?? [schema];
  const found: Facts = { required, types: [], format: null, values: undefined, hasFields: false };
  facts.set(path, found);
  for (const branch of branches) {
    if (branch.type !== undefined) found.types.push(...[branch.type as string | string[]].flat());
    found.format = branch.format ?? found.format;
    found.values = (branch.enum as Json[] | undefined) ?? found.values;
    found.hasFields ||= branch.properties !== undefined;
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
export function stepOf(name: string): string {
  return name.replaceAll(/[.[\]{}%]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
