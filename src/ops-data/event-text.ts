import type { Json } from "../foundation/json.ts";

/** Of an event's data this much can be searched, and so much is shown. */
const maxSearchedChars = 16 * 1024;
export const maxExcerptChars = 1024;

/** What of an event's data is searched. */
export function dataText(data: unknown): string {
  if (data === undefined) return "";
  return (typeof data === "string" ? data : JSON.stringify(data)).slice(0, maxSearchedChars);
}

/** Data again of what is shown of it: where it is an execution's and whole, as it was; else the text. */
export function dataOfExcerpt(type: string, excerpt: string): Json | undefined {
  if (!type.startsWith("fx.execution.")) return excerpt === "" ? undefined : excerpt;
  try {
    return JSON.parse(excerpt) as Json;
  } catch {
    return excerpt;
  }
}

/** What of it is shown. */
export function excerptOf(data: string): string {
  return data.slice(0, maxExcerptChars);
}
