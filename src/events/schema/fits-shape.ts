import type { Json, JsonObject } from "../../foundation/json.ts";
import { settledSamples } from "./settled.ts";
import type { ObjectShape, Shape, TypeShape } from "./shape.ts";
import { hasFormat } from "./string-format.ts";

/**
 * Whether an event says nothing new: its data has the types, fields and formats that were seen, misses none that all
 * had, and no string of a place with few of them is a new one. What was seen too seldom to judge by is always news.
 * Cheap, because it is asked for every event.
 */
export function fitsShape({ samples, data: shape }: TypeShape, data: Json | undefined): boolean {
  return data === undefined ? shape.count < samples : fits(shape, data);
}

function fits(shape: Shape, value: Json): boolean {
  if (shape.count < settledSamples) return false;
  switch (typeof value) {
    case "string":
      return fitsString(shape, value);
    case "number":
      if (shape.fractions + shape.integers < settledSamples) return false;
      return shape.fractions > 0 || Number.isInteger(value);
    case "boolean":
      return shape.booleans > 0;
    default:
      if (value === null) return shape.nulls > 0;
      return Array.isArray(value) ? fitsArray(shape, value) : fitsObject(shape.objects, value);
  }
}

function fitsString({ strings }: Shape, text: string): boolean {
  if (strings === undefined || strings.count < settledSamples) return false;
  const { format, values } = strings;
  if (values?.has(text)) return true;
  return values === undefined && (format === undefined || hasFormat(text, format));
}

function fitsArray({ arrays }: Shape, value: readonly Json[]): boolean {
  if (arrays === undefined || arrays.count < settledSamples) return false;
  const { items } = arrays;
  if (items === undefined) return true;
  for (const item of value) if (!fits(items, item)) return false;
  return true;
}

function fitsObject(objects: ObjectShape | undefined, value: JsonObject): boolean {
  if (objects === undefined || objects.count < settledSamples) return false;
  const { count, fields, rest } = objects;
  if (fields === undefined && rest === undefined) return true;
  let required = 0;
  for (const name of Object.keys(value)) {
    const field = rest ?? fields?.get(name);
    if (field === undefined || !fits(field, value[name] as Json)) return false;
    if (field.count === count) required += 1;
  }
  return rest !== undefined || required === requiredOf(objects);
}

/** Remembered for as long as the object's count stands: counts only grow. */
const remembered = new WeakMap<ObjectShape, { count: number; required: number }>();

function requiredOf(objects: ObjectShape): number {
  const known = remembered.get(objects);
  if (known?.count === objects.count) return known.required;
  let required = 0;
  for (const { count } of objects.fields?.values() ?? []) if (count === objects.count) required += 1;
  remembered.set(objects, { count: objects.count, required });
  return required;
}
