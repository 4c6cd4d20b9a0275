/** Ids of one millisecond. What does not fit moves on to the next: under such a load a time may be some ms late. */
const perMs = 1024;

/** First id of a millisecond. Ids sort by time, and a range of time is a range of ids. */
export function idAt(ms: number): number {
  return clamp(Math.ceil(ms)) * perMs;
}

export function timeOf(id: number): number {
  return Math.floor(id / perMs);
}

export const lowestId = Number.MIN_SAFE_INTEGER;
export const highestId = Number.MAX_SAFE_INTEGER;

/** Times that an id can tell: up to the year 2248. */
function clamp(ms: number): number {
  const most = Math.floor(highestId / perMs) - 1;
  return Math.max(-most, Math.min(most, ms));
}
