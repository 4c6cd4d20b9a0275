import { type Clock, sleep } from "./clock.ts";
import type { IdleTime } from "./turn.ts";

/** A batch that took less holds nobody up. */
export const noticeableMs = 3;
const longestMs = 200;
const lookMs = 2;

export interface SharedThread {
  clock: Clock;
  idleTime: IdleTime;
  /** So many times as long as the batch took, others may have the thread first. */
  share?: number;
}

/**
 * Lets others have the thread after a batch: a sender waits for its answer, and nobody for the
 * routing, nor for what is learned of it. Ends as soon as the thread is mostly idle, so that batches
 * go at their full speed when they are alone; and in any case after a while, so that they never stand still.
 */
export async function giveWay(
  { clock, idleTime, share = 3 }: SharedThread,
  workedMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (workedMs < noticeableMs) return;
  const until = Math.min(workedMs * share, longestMs);
  for (let given = 0; given < until && !signal.aborted; ) {
    const began = clock.monotonic();
    const idleBefore = idleTime();
    await sleep(clock, lookMs, signal);
    const tookMs = clock.monotonic() - began;
    const idleMs = idleTime() - idleBefore;
    if (idleMs > tookMs / 2) return;
    given += tookMs - idleMs;
  }
}
