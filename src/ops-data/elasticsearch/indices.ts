import { PlatformError } from "../../foundation/errors.ts";

/** What the documents of an index are. */
export const indexKinds = ["records", "lines", "events", "executions", "metrics"] as const;
export type IndexKind = (typeof indexKinds)[number];

const uuidV7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7/i;

export function indexPattern(prefix: string, kind: IndexKind): string {
  return `${prefix}${kind}-*`;
}

/**
 * The index of a document, by its time (UTC): a day each, a month for executions, of which there are few. The same document goes
 * to the same index whenever it is stored. Throws `invalid-input` for a time that no calendar has.
 */
export function indexAt(prefix: string, kind: Exclude<IndexKind, "records">, at: number): string {
  return `${prefix}${kind}-${kind === "executions" ? dayOf(at).slice(0, 7) : dayOf(at)}`;
}

/** All records of an execution are in one index, that of the day it was made: an id tells when. */
export function recordsIndex(prefix: string, executionId: string): string {
  const [, high, low] = uuidV7.exec(executionId) ?? [];
  return `${prefix}records-${dayOf(high === undefined ? 0 : Number.parseInt(`${high}${low}`, 16))}`;
}

function dayOf(at: number): string {
  const text = Number.isNaN(new Date(at).getTime()) ? "" : new Date(at).toISOString();
  if (/^\d{4}-/.test(text)) return text.slice(0, 10).replaceAll("-", ".");
  throw new PlatformError("invalid-input", `${at} is no time in milliseconds since 1970 within the years 0 to 9999`);
}
