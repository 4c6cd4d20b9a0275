/** Of the logarithms of durations: how many were seen, their centre, and their mean distance from it. */
type Spread = [seen: number, centre: number, distance: number];

/** What is usual at each hour of the week (UTC, from Sunday), and at any hour. */
export interface UsualDuration {
  any: Spread;
  hours: Record<string, Spread>;
}

export interface Deviation {
  /** In standard deviations; negative: faster. */
  deviations: number;
  usualMs: number;
  /** Whether it is compared with its hour of the week. */
  ofHour: boolean;
}

const hourMs = 3_600_000;
/** 1 January 1970 was a Thursday. */
const epochHour = 4 * 24;
/** A run weighs at least this much: what changes for good becomes usual after some hundred runs. */
const leastWeight = 1 / 50;
/** Further away than this many deviations a run counts as if it were here: one outlier does not move what is usual. */
const furthest = 3;
/** Runs that are all taken as they are: before them there is no telling what is far away. */
const firstRuns = 5;
/** Of a normal distribution the standard deviation is so many mean distances: the square root of half of pi. */
const deviationOfDistance = 1.2533;
/** A run of a service that is steady to the millisecond is no alert for being a tenth longer. */
const leastDeviation = 0.1;
/** Milliseconds added to all, so that of very short runs a few more do not matter. */
const base = 10;

export function nothingUsual(): UsualDuration {
  return { any: [0, 0, 0], hours: {} };
}

/** How far from the usual a run is; undefined while fewer than `minimum` runs were seen. */
export function deviationOf(usual: UsualDuration, ms: number, at: number, minimum: number): Deviation | undefined {
  const ofItsHour = usual.hours[hourOfWeek(at)];
  const ofHour = ofItsHour !== undefined && ofItsHour[0] >= minimum;
  const spread = ofHour ? ofItsHour : usual.any;
  if (spread[0] < minimum) return undefined;
  const [, centre] = spread;
  const deviations = (logOf(ms) - centre) / standardDeviation(spread);
  return { deviations, usualMs: Math.max(0, Math.round(Math.exp(centre) - base)), ofHour };
}

/** Learns from a run. What is far away moves the usual by as much as what is not quite so far. */
export function learnDuration(usual: UsualDuration, ms: number, at: number): void {
  const hour = hourOfWeek(at);
  usual.hours[hour] = learned(usual.hours[hour] ?? [0, 0, 0], logOf(ms));
  usual.any = learned(usual.any, logOf(ms));
}

function learned(spread: Spread, value: number): Spread {
  const [seen, centre, distance] = spread;
  const weight = Math.max(1 / (seen + 1), leastWeight);
  const limit = seen < firstRuns ? Number.POSITIVE_INFINITY : furthest * standardDeviation(spread);
  const step = Math.max(-limit, Math.min(limit, value - centre));
  // The first run is the centre, and says nothing of distances.
  const next = seen === 0 ? 0 : distance + weight * (Math.abs(step) - distance);
  return [seen + 1, rounded(centre + weight * step), rounded(next)];
}

function standardDeviation([, , distance]: Spread): number {
  return Math.max(leastDeviation, distance * deviationOfDistance);
}

function logOf(ms: number): number {
  return Math.log(ms + base);
}

function hourOfWeek(at: number): number {
  return (Math.floor(at / hourMs) + epochHour) % (7 * 24);
}

function rounded(value: number): number {
  return Math.round(value * 1e5) / 1e5;
}
