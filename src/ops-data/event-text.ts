/** Of an event's data this much can be searched, and so much is shown. */
const maxSearchedChars = 16 * 1024;
const maxExcerptChars = 1024;

/** What of an event's data is searched. */
export function dataText(data: unknown): string {
  if (data === undefined) return "";
  return (typeof data === "string" ? data : JSON.stringify(data)).slice(0, maxSearchedChars);
}

/** What of it is shown. */
export function excerptOf(data: string): string {
  return data.slice(0, maxExcerptChars);
}
