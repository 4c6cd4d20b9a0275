/** Milliseconds to wait after so many failures in a row: twice as long each time, and at most `mostMs`. */
export function pauseAfter(failures: number, { unitMs, mostMs }: { unitMs: number; mostMs: number }): number {
  return Math.min(unitMs * 2 ** Math.min(failures, 20), mostMs);
}
