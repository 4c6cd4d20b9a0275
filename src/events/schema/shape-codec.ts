import type { ObjectShape, Shape, TypeShape } from "./shape.ts";

/** A shape as JSON: maps and sets as lists, so that any name of a field is one, `__proto__` too. */
export function encodeShape(shape: TypeShape): string {
  return JSON.stringify(shape, (_key, value) => (value instanceof Map || value instanceof Set ? [...value] : value));
}

/** Only for what `encodeShape` wrote. */
export function decodeShape(text: string): TypeShape {
  const stored = JSON.parse(text) as TypeShape;
  return { ...stored, data: revive(stored.data) };
}

function revive(stored: Shape): Shape {
  const { strings, arrays, objects } = stored;
  return {
    ...stored,
    strings: strings && {
      count: strings.count,
      format: strings.format,
      values: strings.values && new Set(strings.values),
    },
    arrays: arrays && { count: arrays.count, items: arrays.items && revive(arrays.items) },
    objects: objects && reviveObjects(objects),
  };
}

function reviveObjects({ count, fields, rest }: ObjectShape): ObjectShape {
  const entries = fields as Iterable<[string, Shape]> | undefined;
  return {
    count,
    fields: entries && new Map([...entries].map(([name, field]) => [name, revive(field)])),
    rest: rest && revive(rest),
  };
}
