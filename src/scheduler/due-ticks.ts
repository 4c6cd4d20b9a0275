import type { MissedTimes, ScheduledService } from "../catalog/schedules.ts";
import { timesAfter } from "../services/cron/schedule-times.ts";

export interface DueTicks {
  /** To be run, in order. */
  run: number[];
  /** Passed over before the first of them, or all of them. */
  missed: MissedTimes | undefined;
  /** The time after the last of them; undefined: it never comes again. */
  next: number | undefined;
}

export interface CatchUpLimits {
  /** A time that is noticed no later than this is merely late, and runs whatever `catch_up` says. */
  toleranceMs: number;
  /** Of a schedule with `catch_up: all`, at most so many that were missed run: the latest. */
  runs: number;
}

/**
 * What is due of a schedule, and what becomes of it. `one`: the latest time runs. `none`: only what
 * is merely late. `all`: everything, up to a limit. What is late runs in each case.
 */
export function dueTicks(
  schedule: Pick<ScheduledService, "cron" | "timezone" | "since" | "catchUp">,
  now: number,
  { toleranceMs, runs }: CatchUpLimits,
): DueTicks {
  const keep = schedule.catchUp === "all" ? runs : schedule.catchUp === "one" ? 1 : 0;
  const due: number[] = [];
  let missed: MissedTimes | undefined;
  let next: number | undefined;
  const passOver = (times: readonly number[]) => {
    for (const time of times) missed = { first: missed?.first ?? time, last: time, count: (missed?.count ?? 0) + 1 };
  };
  const settle = () => {
    const late = due.filter((time) => now - time <= toleranceMs).length;
    passOver(due.splice(0, due.length - Math.max(keep, late)));
  };
  for (const time of timesAfter(schedule, schedule.since)) {
    if (time > now) {
      next = time;
      break;
    }
    due.push(time);
    // Years of minutes pass through here without being held all at once.
    if (due.length >= 2 * (runs + 1)) settle();
  }
  if (due.length > keep) settle();
  return { run: due, missed, next };
}
