import { parentOf, type SchemaChange, stepOf } from "./schema-changes.ts";
import type { Shape, TypeShape } from "./shape.ts";

/**
 * Values seen in a place, before a change there is drift. Until then the schema grows in place. It holds for the type
 * as a whole, and for each field, item and kind of value that comes later: the first few seldom show all there is to it.
 */
export const settledSamples = 20;

/** How much of each kind was seen in one place, and at least so often in each place above it. */
interface Evidence {
  values: number;
  numbers: number;
  strings: number;
  objects: number;
}

/** Those of the changes that are drift, against what was known before. The others only make it more exact. */
export function driftOf(changes: readonly SchemaChange[], before: TypeShape): SchemaChange[] {
  if (changes.length === 0 || before.samples < settledSamples) return [];
  const known = new Map<string, Evidence>();
  collect(before.data, "data", before.samples, known);
  return changes.filter((change) => evidenceFor(change, known, before.samples) >= settledSamples);
}

function evidenceFor({ path, what, before, after }: SchemaChange, known: Map<string, Evidence>, samples: number) {
  const here = known.get(path);
  switch (what) {
    case "required":
    case "field":
      return path === "data" ? samples : (known.get(parentOf(path))?.objects ?? 0);
    case "type":
      return (isOnlyFractions(before, after) ? here?.numbers : here?.values) ?? 0;
    case "format":
    case "enum":
      return here?.strings ?? 0;
  }
}

/** Whole numbers became any numbers, and nothing else. */
function isOnlyFractions(before: SchemaChange["before"], after: SchemaChange["after"]): boolean {
  if (!(Array.isArray(before) && Array.isArray(after))) return false;
  return before.every((type) => after.includes(type === "integer" ? "number" : type)) && before.length === after.length;
}

function collect(shape: Shape, path: string, most: number, known: Map<string, Evidence>): void {
  const { count, integers, fractions, strings, arrays, objects } = shape;
  const values = Math.min(most, count);
  const ofKind = (seen = 0) => Math.min(values, seen);
  const inObjects = ofKind(objects?.count);
  known.set(path, {
    values,
    numbers: ofKind(integers + fractions),
    strings: ofKind(strings?.count),
    objects: inObjects,
  });
  if (arrays?.items) collect(arrays.items, `${path}[]`, ofKind(arrays.count), known);
  if (objects?.rest) collect(objects.rest, `${path}{}`, inObjects, known);
  for (const [name, field] of objects?.fields ?? []) collect(field, `${path}.${stepOf(name)}`, inObjects, known);
}
