import type { Random } from "../foundation/random.ts";

export interface Backoff {
  /** Retries after the first attempt. */
  count: number;
  delayMs: number;
  maxDelayMs: number;
}

/**
 * Milliseconds to wait after the given failed attempt (from 1): doubles each time up to the
 * maximum, then half of it is random, so that runs that failed together do not return together.
 */
export function backoffDelayMs(backoff: Backoff, attempt: number, random: Random): number {
  const full = Math.min(backoff.delayMs * 2 ** Math.min(attempt - 1, 40), backoff.maxDelayMs);
  return Math.round(full / 2 + (full / 2) * random.fraction());
}
