import { type Clock, sleep } from "../foundation/clock.ts";
import { isPlatformError } from "../foundation/errors.ts";

const firstPauseMs = 100;
const longestPauseMs = 5000;

/**
 * Does the work again, with growing pauses, for as long as what it asks is `unavailable`. Rejects with any other error, and
 * with the latest once `stopping` has aborted.
 */
export async function patiently<Result>(
  work: () => Promise<Result>,
  { clock, stopping }: { clock: Clock; stopping: AbortSignal },
): Promise<Result> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await work();
    } catch (error) {
      if (!isPlatformError(error, "unavailable") || stopping.aborted) throw error;
    }
    await sleep(clock, pauseMs, stopping);
  }
}
