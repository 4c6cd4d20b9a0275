import { z } from "zod";
import type { MissedTimes, ScheduleMiss, ScheduleView } from "../../catalog/schedules.ts";
import { nextTimes } from "../../services/cron/schedule-times.ts";
import { timeText } from "./list-query.ts";

const missed = z.object({
  first: z.string(),
  last: z.string(),
  count: z.int().meta({ description: "Times from the first to the last that started no run." }),
});

export const scheduleAnswer = z
  .object({
    project: z.string(),
    service: z.string(),
    version: z.string(),
    cron: z.string(),
    timezone: z.string(),
    catchUp: z.enum(["one", "none", "all"]),
    paused: z.boolean(),
    active: z.boolean().meta({ description: "Whether the service is switched on." }),
    next: z.array(z.string()).meta({ description: "Its next times; none while it is paused or switched off." }),
    lastFired: z.string().nullable().meta({ description: "The time that a run was last started for." }),
    missed: missed.nullable().meta({ description: "Times that started no run, as far back as the ledger goes." }),
  })
  .meta({ id: "Schedule" });

export const scheduleDetail = scheduleAnswer
  .extend({
    misses: z.array(missed.extend({ recordedAt: z.string() })).meta({ description: "Newest first." }),
  })
  .meta({ id: "ScheduleDetail" });

export function scheduleAnswerOf(schedule: ScheduleView, now: number, times: number): z.output<typeof scheduleAnswer> {
  const { project, service, version, cron, timezone, catchUp, paused, active } = schedule;
  return {
    project,
    service,
    version,
    cron,
    timezone,
    catchUp,
    paused,
    active,
    next: paused || !active ? [] : nextTimes(schedule, now, times).map((time) => timeText(time)),
    lastFired: timeText(schedule.lastFired),
    missed: schedule.missed ? missedOf(schedule.missed) : null,
  };
}

export function scheduleDetailOf(
  schedule: ScheduleView,
  misses: readonly ScheduleMiss[],
  now: number,
  times: number,
): z.output<typeof scheduleDetail> {
  return {
    ...scheduleAnswerOf(schedule, now, times),
    misses: misses.map((miss) => ({ ...missedOf(miss), recordedAt: timeText(miss.recordedAt) })),
  };
}

function missedOf({ first, last, count }: MissedTimes): z.output<typeof missed> {
  return { first: timeText(first), last: timeText(last), count };
}
