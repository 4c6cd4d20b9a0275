/** A window in so many parts: what it holds is right to a part of its length. */
const parts = 30;
/** Things remembered, so that one which was sent twice counts once. */
const maxRecent = 200;

/** Counts of a sliding window, and what was counted last. */
export interface CountedWindow {
  /** [number of the part since the epoch, all, bad]; in order. */
  counts: [part: number, all: number, bad: number][];
  recent: string[];
}

export function emptyWindow(): CountedWindow {
  return { counts: [], recent: [] };
}

/** Counts one thing at its time, also when it comes late; a thing that was counted is not counted again. */
export function count(window: CountedWindow, windowMs: number, thing: { key: string; at: number; bad: boolean }): void {
  if (window.recent.includes(thing.key)) return;
  window.recent.push(thing.key);
  if (window.recent.length > maxRecent) window.recent.shift();
  const part = Math.floor(thing.at / partMs(windowMs));
  let index = window.counts.findIndex(([there]) => there >= part);
  if (index < 0) index = window.counts.length;
  if (window.counts[index]?.[0] !== part) window.counts.splice(index, 0, [part, 0, 0]);
  const entry = window.counts[index] as CountedWindow["counts"][number];
  entry[1] += 1;
  if (thing.bad) entry[2] += 1;
}

/** What is within the window at a moment; forgets what is before. */
export function sumAt(window: CountedWindow, windowMs: number, at: number): { all: number; bad: number } {
  while (endOf(window.counts[0], windowMs) <= at) window.counts.shift();
  let all = 0;
  let bad = 0;
  for (const [, one, oneBad] of window.counts) {
    all += one;
    bad += oneBad;
  }
  return { all, bad };
}

/** When the oldest part leaves the window; undefined of an empty one. */
export function nextLeaving(window: CountedWindow, windowMs: number): number | undefined {
  return window.counts.length === 0 ? undefined : endOf(window.counts[0], windowMs);
}

function endOf(entry: CountedWindow["counts"][number] | undefined, windowMs: number): number {
  return entry === undefined ? Number.POSITIVE_INFINITY : (entry[0] + 1) * partMs(windowMs) + windowMs;
}

function partMs(windowMs: number): number {
  return windowMs / parts;
}
