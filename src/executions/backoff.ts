import type { Random } from "../foundation/random.ts";

export interface Backoff {
  /** Retries after the first attempt. */
  count: number;
  delayMs: number;
  maxDelayMs: number;
  /** What each wait is multiplied by for the next. */
  factor: number;
  /** Part of a wait that is random, 0 to 1. */
  jitter: number;
}

/**
 * Milliseconds to wait after the given failed attempt (from 1): grows by the factor each time up to
 * the maximum, then a part of it is random, so that runs that failed together do not return together.
 */
export function backoffDelayMs(backoff: Backoff, attempt: number, random: Random): number {
  const { delayMs, maxDelayMs, factor, jitter } = backoff;
  const full = Math.min(delayMs * factor ** Math.min(attempt - 1, 40), maxDelayMs);
  return Math.round(full * (1 - jitter) + full * jitter * random.fraction());
}
