import type { Manifest, QueuePolicy } from "./manifest.ts";

/** What a service may have running, started and waiting. Of the active version, whichever version a run is of. */
export interface ServiceLimits {
  /** Runs at the same time, on all executors together. */
  concurrency: number | undefined;
  throttle: { limit: number; periodMs: number } | undefined;
  queue: { limit: number; policy: QueuePolicy } | undefined;
}

export function serviceLimitsOf({ concurrency, throttle, queue }: Manifest): ServiceLimits {
  return {
    concurrency,
    throttle: throttle && { limit: throttle.limit, periodMs: Math.round(throttle.period * 1000) },
    queue,
  };
}
