/** Each bucket is 5 % wider than the one before it, so that a quantile is off by 2.5 % at most. */
const growth = 1.05;
const scale = 1 / Math.log(growth);

/** Counts of durations by bucket. Those of any two spans of time can be added. */
export type DurationHistogram = Record<string, number>;

export function addDuration(histogram: DurationHistogram, ms: number): void {
  const bucket = bucketOf(ms);
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
}

/** Under which a histogram counts a duration. */
export function bucketOf(ms: number): number {
  return ms < 1 ? 0 : 1 + Math.floor(Math.log(ms) * scale);
}

export function mergeHistogram(into: DurationHistogram, from: DurationHistogram): void {
  for (const [bucket, count] of Object.entries(from)) into[bucket] = (into[bucket] ?? 0) + count;
}

/** The duration in milliseconds that `share` of all do not exceed, to within 2.5 %; undefined when there are none. */
export function quantileOf(histogram: DurationHistogram, share: number): number | undefined {
  const buckets = Object.entries(histogram).map(([bucket, count]) => [Number(bucket), count] as const);
  buckets.sort(([left], [right]) => left - right);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  let rank = Math.max(1, Math.ceil(share * total));
  for (const [bucket, count] of buckets) {
    rank -= count;
    if (rank <= 0) return bucket === 0 ? 0 : growth ** (bucket - 0.5);
  }
  return undefined;
}
