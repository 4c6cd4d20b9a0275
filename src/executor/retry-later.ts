import type { Bus } from "../bus/bus.ts";
import type { JobStore } from "../catalog/jobs.ts";
import type { HeldLease } from "../catalog/leases.ts";
import type { Clock } from "../foundation/clock.ts";
import { PlatformError } from "../foundation/errors.ts";
import { nextTime } from "../services/cron/schedule-times.ts";
import { isTimeZone } from "../services/cron/time-zone.ts";
import type { RetryTime } from "./step-runner.ts";

export interface RetryParts {
  bus: Bus;
  jobs: JobStore;
  clock: Clock;
}

const minDelayMs = 1000;
const maxDelayDays = 366;
const maxDelayMs = maxDelayDays * 24 * 60 * 60_000;

/**
 * Makes the execution's job, or moves its time; durable when it resolves. Throws `invalid-input` for
 * a time that is none, `lease-lost` where the attempt is not the current one any more.
 */
export async function retryLater(
  { bus, jobs, clock }: RetryParts,
  lease: HeldLease,
  when: RetryTime,
): Promise<{ jobId: string; at: number }> {
  const job = await jobs.put(lease, timeOfRetry(when, clock.now()));
  bus.signal("schedules");
  return { jobId: job.id, at: job.at };
}

/** Throws `invalid-input` for a time that is none. */
export function timeOfRetry(when: RetryTime, now: number): number {
  if ("cron" in when) {
    if (!isTimeZone(when.timezone)) {
      throw new PlatformError("invalid-input", `"${when.timezone}" is no time zone such as "Europe/Zurich"`);
    }
    const at = nextTime(when, now);
    if (at !== undefined && at - now <= maxDelayMs) return at;
    const comes = at === undefined ? "never comes" : `comes at ${new Date(at).toISOString()} only`;
    throw new PlatformError("invalid-input", `"${when.cron}" ${comes}; a retry is at most ${maxDelayDays} days away`);
  }
  const { delayMs } = when;
  if (delayMs >= minDelayMs && delayMs <= maxDelayMs) return now + Math.round(delayMs);
  throw new PlatformError(
    "invalid-input",
    `a retry is at least 1 second and at most ${maxDelayDays} days away, not ${delayMs / 1000} seconds`,
  );
}
