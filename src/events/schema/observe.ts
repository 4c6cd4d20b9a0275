import type { Json, JsonObject } from "../../foundation/json.ts";
import { addField, becomeMap, shrinkToSize } from "./fold-shape.ts";
import { isSensitiveName, isSensitiveText } from "./sensitive-name.ts";
import { emptyShape, type ObjectShape, type Shape, shapeLimits, type TypeShape } from "./shape.ts";
import { formatOf } from "./string-format.ts";

/** Adds the data of one event; undefined: it had none. */
export function observe(shape: TypeShape, data: Json | undefined): void {
  shape.samples += 1;
  if (data === undefined) return;
  observeValue(shape.data, data, shape.depth, false);
  shrinkToSize(shape);
}

/** `depth`: levels below this one that may be looked into. */
function observeValue(shape: Shape, value: Json, depth: number, isSensitive: boolean): void {
  shape.count += 1;
  if (value === null) shape.nulls += 1;
  else if (typeof value === "string") observeString(shape, value, isSensitive);
  else if (typeof value === "object") observeNested(shape, value, depth, isSensitive);
  else {
    if (typeof value === "boolean") shape.booleans += 1;
    else if (Number.isInteger(value)) shape.integers += 1;
    else shape.fractions += 1;
    if (!isSensitive) keepExample(shape, value);
  }
}

function observeString(shape: Shape, text: string, isSensitive: boolean): void {
  const format = formatOf(text);
  const strings = shape.strings;
  if (strings === undefined) {
    shape.strings = { count: 1, format, values: new Set() };
  } else {
    strings.count += 1;
    if (strings.format !== format) strings.format = undefined;
  }
  const isHidden = isSensitive || isSensitiveText(text) || !text.isWellFormed();
  keepValue(shape, text, isHidden);
  if (isHidden) return;
  const isShort = text.length <= shapeLimits.exampleLength;
  // Cut, it would no longer be what its format says.
  if (isShort || format === undefined) keepExample(shape, isShort ? text : `${text.slice(0, 99)}…`.toWellFormed());
}

function keepValue({ strings }: Shape, text: string, isHidden: boolean): void {
  if (strings?.values === undefined || strings.values.has(text)) return;
  if (isHidden || text.length > shapeLimits.enumLength || strings.values.size === shapeLimits.enumValues) {
    strings.values = undefined;
  } else {
    strings.values.add(text);
  }
}

function keepExample({ examples }: Shape, value: string | number | boolean): void {
  if (examples.length < shapeLimits.examples && !examples.includes(value)) examples.push(value);
}

function observeNested(shape: Shape, value: Json[] | JsonObject, depth: number, isSensitive: boolean): void {
  if (Array.isArray(value)) {
    shape.arrays ??= { count: 0, items: depth > 0 ? emptyShape() : undefined };
    shape.arrays.count += 1;
    const { items } = shape.arrays;
    if (items !== undefined) for (const item of value) observeValue(items, item, depth - 1, isSensitive);
    return;
  }
  shape.objects ??= { count: 0, fields: depth > 0 ? new Map() : undefined, rest: undefined };
  shape.objects.count += 1;
  // Its names may be part of the secret.
  if (isSensitive) becomeMap(shape.objects);
  if (depth > 0) observeFields(shape.objects, value, depth, isSensitive);
}

function observeFields(objects: ObjectShape, value: JsonObject, depth: number, isSensitive: boolean): void {
  for (const name of Object.keys(value)) {
    const known = objects.rest ?? objects.fields?.get(name);
    const place = known ?? emptyShape();
    observeValue(place, value[name] as Json, depth - 1, isSensitive || isSensitiveName(name));
    if (known === undefined) addField(objects, name, place);
  }
}
