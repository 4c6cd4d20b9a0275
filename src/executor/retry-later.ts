import type { Bus } from "../bus/bus.ts";
import type { JobStore } from "../catalog/jobs.ts";
import type { HeldLease } from "../catalog/leases.ts";
import { type CloudEvent, maxEventBytes } from "../events/cloud-event.ts";
import { paramsOf } from "../events/event-params.ts";
import type { Clock } from "../foundation/clock.ts";
import { PlatformError } from "../foundation/errors.ts";
import type { JsonObject } from "../foundation/json.ts";
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
/** Leaves room for the attributes of the event that carries them. */
const maxDataBytes = maxEventBytes - 64 * 1024;

/** What a script asked for, and the event that started the run which asks. */
export interface RetryAsked {
  when: RetryTime;
  parameters: JsonObject | undefined;
  trigger: CloudEvent;
}

/**
 * Makes the execution's job, or puts this in the place of what it was; durable when it resolves.
 * Throws as `judgeRetry`, and `lease-lost` where the attempt is not the current one any more.
 */
export async function retryLater(
  { bus, jobs, clock }: RetryParts,
  lease: HeldLease,
  asked: RetryAsked,
): Promise<{ jobId: string; at: number }> {
  const job = await jobs.put(lease, judgeRetry(asked, clock.now()), asked.parameters);
  bus.signal("schedules");
  return { jobId: job.id, at: job.at };
}

/** The time that is asked for. Throws `invalid-input` for one that is none, `limit-exceeded` for parameters that no event can carry. */
export function judgeRetry({ when, parameters, trigger }: RetryAsked, now: number): number {
  if (parameters !== undefined) {
    const sizeBytes = Buffer.byteLength(JSON.stringify({ ...paramsOf(trigger), ...parameters }));
    if (sizeBytes > maxDataBytes) {
      const limit = `at most ${maxDataBytes} are allowed`;
      throw new PlatformError(
        "limit-exceeded",
        `the parameters of a later run, with those of this one, are too large: ${sizeBytes} bytes of JSON, ${limit}`,
      );
    }
  }
  return timeOf(when, now);
}

function timeOf(when: RetryTime, now: number): number {
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
