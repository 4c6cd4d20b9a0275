import type { StringFormat } from "./string-format.ts";

/**
 * What was seen in one place of the data of a type's events: how often each JSON type, and what lies below. Shapes can
 * be merged: those of two sets of values give the shape of both sets, in any order; `examples` alone are whatever
 * came first. A shape is as large as the limits below allow, whatever it is fed with.
 */
export interface Shape {
  /** Values seen. */
  count: number;
  nulls: number;
  booleans: number;
  integers: number;
  /** Numbers that are not whole. */
  fractions: number;
  strings: StringShape | undefined;
  arrays: ArrayShape | undefined;
  objects: ObjectShape | undefined;
  examples: Example[];
}

export type Example = string | number | boolean;

export interface StringShape {
  count: number;
  /** The format that all have; undefined once two differ, or one has none. */
  format: StringFormat | undefined;
  /** All distinct ones; undefined once they are too many, too long, or not to be kept. */
  values: Set<string> | undefined;
}

export interface ArrayShape {
  count: number;
  /** Of all items of all arrays; undefined below the depth that is looked at. */
  items: Shape | undefined;
}

/** Fields by name; or, past the limit of names, one shape of all values; or neither, below the depth that is looked at. */
export interface ObjectShape {
  count: number;
  fields: Map<string, Shape> | undefined;
  rest: Shape | undefined;
}

/** The shape of a type's data, with what bounds it. */
export interface TypeShape {
  /** Events looked at. */
  samples: number;
  /** Levels that are looked into. Falls when the shape would grow past its size. */
  depth: number;
  /** Its count is below `samples` where some events had no data. */
  data: Shape;
}

export const shapeLimits = {
  depth: 12,
  /** Places of one type, over all levels. */
  places: 500,
  /** Names of one object; with more it is a map, whose names are data. */
  fields: 100,
  /** Characters of a name that is one; a longer one is data. */
  nameLength: 128,
  /** Names that are ids, numbers, days or addresses; with more of them the object is a map. */
  dataNames: 5,
  /** Distinct strings, and their characters, that may still be an enumeration. */
  enumValues: 10,
  enumLength: 40,
  examples: 3,
  /** A longer string is cut. */
  exampleLength: 100,
} as const;

export function emptyShape(): Shape {
  return {
    count: 0,
    nulls: 0,
    booleans: 0,
    integers: 0,
    fractions: 0,
    strings: undefined,
    arrays: undefined,
    objects: undefined,
    examples: [],
  };
}

export function emptyTypeShape(): TypeShape {
  return { samples: 0, depth: shapeLimits.depth, data: emptyShape() };
}
