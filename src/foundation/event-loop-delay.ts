import { monitorEventLoopDelay } from "node:perf_hooks";

/** Answers, in seconds, what 99 of 100 turns of this thread's event loop were not later than since it was last asked. */
export function eventLoopDelay(): () => number {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  return () => {
    const seconds = delay.percentile(99) / 1e9;
    delay.reset();
    return seconds;
  };
}
