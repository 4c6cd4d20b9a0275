import { type Clock, sleep } from "../foundation/clock.ts";
import { isPlatformError } from "../foundation/errors.ts";

const firstPauseMs = 100;
const longestPauseMs = 5000;

/**
 * Does the work again, with growing pauses, for as long as what it asks is `unavailable`. Rejects with any other error, and
 * with the latest once `stopping` has aborted or `withinMs` is over.
 */
export async function patiently<Result>(
  work: () => Promise<Result>,
  { clock, stopping, withinMs = Number.POSITIVE_INFINITY }: { clock: Clock; stopping: AbortSignal; withinMs?: number },
): Promise<Result> {
  const until = clock.monotonic() + withinMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await work();
    } catch (error) {
      if (!isPlatformError(error, "unavailable") || stopping.aborted || clock.monotonic() >= until) throw error;
    }
    await sleep(clock, pauseMs, stopping);
  }
}
