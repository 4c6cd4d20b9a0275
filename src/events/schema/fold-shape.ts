import { type ArrayShape, emptyShape, type ObjectShape, type Shape, shapeLimits, type TypeShape } from "./shape.ts";
import { formatOf } from "./string-format.ts";

const allDigits = /^\d+$/;

/** Adds `other` to `shape`. Both may have been looked into as deep as the smaller of their depths. */
export function mergeTypeShapes(shape: TypeShape, other: TypeShape): void {
  const depth = Math.min(shape.depth, other.depth);
  for (const one of [shape, other]) {
    one.depth = depth;
    cut(one.data, depth);
  }
  shape.samples += other.samples;
  mergeShapes(shape.data, other.data);
  shrinkToSize(shape);
}

/** `other` must not be used afterwards: parts of it become parts of `shape`. */
export function mergeShapes(shape: Shape, other: Shape): void {
  shape.count += other.count;
  shape.nulls += other.nulls;
  shape.booleans += other.booleans;
  shape.integers += other.integers;
  shape.fractions += other.fractions;
  mergeStrings(shape, other);
  shape.arrays =
    shape.arrays && other.arrays ? mergedArrays(shape.arrays, other.arrays) : (shape.arrays ?? other.arrays);
  if (shape.objects && other.objects) mergeObjects(shape.objects, other.objects);
  else shape.objects ??= other.objects;
  for (const example of other.examples) {
    if (shape.examples.length === shapeLimits.examples) break;
    if (!shape.examples.includes(example)) shape.examples.push(example);
  }
}

function mergeStrings(shape: Shape, { strings: other }: Shape): void {
  const { strings } = shape;
  if (strings === undefined || other === undefined) {
    shape.strings = strings ?? other;
    return;
  }
  strings.count += other.count;
  if (strings.format !== other.format) strings.format = undefined;
  if (other.values === undefined) strings.values = undefined;
  for (const value of other.values ?? []) strings.values?.add(value);
  if (strings.values && strings.values.size > shapeLimits.enumValues) strings.values = undefined;
}

function mergedArrays(arrays: ArrayShape, other: ArrayShape): ArrayShape {
  const { items } = arrays;
  const isLookedInto = items !== undefined && other.items !== undefined;
  if (isLookedInto) mergeShapes(items, other.items as Shape);
  return { count: arrays.count + other.count, items: isLookedInto ? items : undefined };
}

function mergeObjects(objects: ObjectShape, other: ObjectShape): void {
  objects.count += other.count;
  if (isCut(objects) || isCut(other)) {
    objects.fields = undefined;
    objects.rest = undefined;
    return;
  }
  if (other.rest) becomeMap(objects);
  if (other.rest && objects.rest) mergeShapes(objects.rest, other.rest);
  for (const [name, field] of other.fields ?? []) {
    const place = objects.rest ?? objects.fields?.get(name);
    if (place) mergeShapes(place, field);
    else addField(objects, name, field);
  }
}

function isCut({ fields, rest }: ObjectShape): boolean {
  return fields === undefined && rest === undefined;
}

/** An object of too many fields, or whose names are data, becomes a map. */
export function addField(objects: ObjectShape, name: string, field: Shape): void {
  const { fields } = objects;
  if (fields === undefined) return;
  fields.set(name, field);
  const isMap =
    fields.size > shapeLimits.fields ||
    name.length > shapeLimits.nameLength ||
    (isDatum(name) && [...fields.keys()].filter(isDatum).length > shapeLimits.dataNames);
  if (isMap) becomeMap(objects);
}

/** Such as an id or a day: other objects will have others. */
function isDatum(name: string): boolean {
  return allDigits.test(name) || formatOf(name) !== undefined;
}

export function becomeMap(objects: ObjectShape): void {
  if (objects.fields === undefined) return;
  const rest = emptyShape();
  for (const field of objects.fields.values()) mergeShapes(rest, field);
  objects.fields = undefined;
  objects.rest = rest;
}

/** Looks less deep, until there are no more places than may be. */
export function shrinkToSize(shape: TypeShape): void {
  while (shape.depth > 0 && placesOf(shape.data) > shapeLimits.places) {
    shape.depth -= 1;
    cut(shape.data, shape.depth);
  }
}

function cut(shape: Shape, depth: number): void {
  const { arrays, objects } = shape;
  if (depth <= 0) {
    if (arrays) arrays.items = undefined;
    if (objects) {
      objects.fields = undefined;
      objects.rest = undefined;
    }
    return;
  }
  for (const child of childrenOf(shape)) cut(child, depth - 1);
}

function placesOf(shape: Shape): number {
  let places = 1;
  for (const child of childrenOf(shape)) places += placesOf(child);
  return places;
}

function childrenOf({ arrays, objects }: Shape): Shape[] {
  return [arrays?.items, objects?.rest, ...(objects?.fields?.values() ?? [])].filter((child) => child !== undefined);
}
