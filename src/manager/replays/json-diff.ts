import { canonicalJson, type Json } from "../../foundation/json.ts";

/** One place in which two values differ; a side that has nothing there is left out. */
export interface JsonChange {
  /** Such as `order.items[2].price`; empty for the whole. */
  path: string;
  before?: Json;
  after?: Json;
}

/** Places told of one pair of values; past them it is known that they differ. */
export const maxJsonChanges = 50;

/** Where two values differ, path by path, in the order of the keys. */
export function diffJson(before: Json | undefined, after: Json | undefined, path = ""): JsonChange[] {
  if (
    canonicalJson(before ?? null) === canonicalJson(after ?? null) &&
    (before === undefined) === (after === undefined)
  )
    return [];
  const isTree = (value: Json | undefined): value is Json[] | { [key: string]: Json } =>
    typeof value === "object" && value !== null;
  if (!isTree(before) || !isTree(after) || Array.isArray(before) !== Array.isArray(after)) {
    return [{ path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }];
  }
  const [left, right] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  const changes: JsonChange[] = [];
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    const inner = Array.isArray(before) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    changes.push(...diffJson(left.get(key), right.get(key), inner));
    if (changes.length >= maxJsonChanges) break;
  }
  return changes.slice(0, maxJsonChanges);
}
