import { PlatformError } from "../../foundation/errors.ts";
import { maxPageSize, type Page, type PageRequest } from "../paging.ts";

type Key = (string | number)[];

/** Opaque to clients: the last row's key, base64url. */
function encode(key: Key): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/**
 * The key of the row after which the page begins; undefined for the first page. `shape` says what
 * the key is made of. Throws `invalid-input` for a cursor that no page of ours ended with.
 */
export function cursorOf<const Shape extends readonly ("string" | "number")[]>(
  page: PageRequest,
  shape: Shape,
): { [Index in keyof Shape]: Shape[Index] extends "string" ? string : number } | undefined {
  if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > maxPageSize) {
    throw new PlatformError(
      "invalid-input",
      `limit must be a whole number from 1 to ${maxPageSize}, not ${page.limit}`,
    );
  }
  if (page.after === undefined) return undefined;
  const key = decode(page.after);
  const fits = key?.length === shape.length && shape.every((type, index) => typeof key[index] === type);
  if (!fits) throw new PlatformError("invalid-input", 'after must be the "next" of a previous page of the same list');
  return key as ReturnType<typeof cursorOf<Shape>>;
}

function decode(text: string): Key | undefined {
  try {
    const key: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    return Array.isArray(key) && encode(key) === text ? key : undefined;
  } catch {
    return undefined;
  }
}

/** A page from up to `limit` + 1 rows: the one more tells that there is a next page. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  page: PageRequest,
  keyOf: (row: Row) => Key,
  itemOf: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  const next = rows.length > page.limit && last !== undefined ? encode(keyOf(last)) : undefined;
  return { items: shown.map(itemOf), next };
}
