import { monitorEventLoopDelay } from "node:perf_hooks";

export interface EventLoopDelay {
  /** What 99 of 100 turns of this thread's event loop were not later than since it was last asked. */
  seconds(): number;
  /** It wakes the thread a hundred times a second until then. */
  close(): void;
}

export function eventLoopDelay(): EventLoopDelay {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  return {
    seconds() {
      const seconds = delay.percentile(99) / 1e9;
      delay.reset();
      return seconds;
    },
    close() {
      delay.disable();
    },
  };
}
