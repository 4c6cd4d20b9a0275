import { Cron } from "croner";
import type { Bus } from "../bus/bus.ts";
import type { RunRequestStore } from "../catalog/run-requests.ts";
import type { ScheduledService, ScheduleStore } from "../catalog/schedules.ts";
import { eventKeyOf } from "../events/event-key.ts";
import { scheduleFiredEvent } from "../events/platform-events.ts";
import type { Clock } from "../foundation/clock.ts";
import { messageOf } from "../foundation/errors.ts";
import type { ExecutionId, Ids, VersionId } from "../foundation/ids.ts";
import type { Log } from "../foundation/log.ts";
import { Loop } from "../foundation/loop.ts";
import { concurrencyKeyFor } from "../services/concurrency-key.ts";

export interface SchedulerParts {
  bus: Bus;
  catalog: { schedules: ScheduleStore; runRequests: RunRequestStore };
  clock: Clock;
  ids: Ids;
  log: Log;
  pollMs: number;
}

/**
 * Time to events. Needs no leader: the event's id derives from the schedule and its nominal time, so
 * that any number of schedulers make one event of one tick (rule D18). Ticks missed while nothing
 * ran are made up by one run, for the latest of them.
 */
export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #loop: Loop;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    const { clock, log, pollMs } = parts;
    this.#loop = new Loop({ name: "scheduler", clock, log, idleMs: pollMs, work: () => this.#fireDue() });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #fireDue(): Promise<void> {
    const { catalog, clock, log } = this.#parts;
    for (const schedule of await catalog.schedules.list()) {
      try {
        const nominal = latestDue(schedule, clock.now());
        if (nominal !== undefined) await this.#fire(schedule, nominal);
      } catch (error) {
        // One schedule's trouble must not hold up the others; it is due again at the next round.
        const { project, service } = schedule;
        log.warn({ project, service, error: messageOf(error) }, "schedule could not fire");
      }
    }
  }

  async #fire(schedule: ScheduledService, nominal: number): Promise<void> {
    const { bus, catalog, ids } = this.#parts;
    const { project, service, version, priority } = schedule;
    const event = scheduleFiredEvent({ project, service, cron: schedule.cron, timezone: schedule.timezone, nominal });
    await catalog.runRequests.request({
      id: ids.next() as ExecutionId,
      key: eventKeyOf(event),
      event,
      trigger: "schedule",
      project,
      service,
      version: version as VersionId,
      priority,
      concurrencyKey: concurrencyKeyFor({ project, name: service }, schedule.concurrencyKey, event),
    });
    // After the request: a crash in between asks again and is answered that the run exists.
    await catalog.schedules.advance({ project, service, firedAt: nominal });
    bus.signal("dispatch");
    bus.signal("outbox");
  }
}

/** The latest nominal time after `since` and not after `now`; undefined when none is due. */
export function latestDue(
  schedule: Pick<ScheduledService, "cron" | "timezone" | "since">,
  now: number,
): number | undefined {
  const cron = new Cron(schedule.cron, { timezone: schedule.timezone, mode: "5-part" });
  const first = cron.nextRun(new Date(schedule.since));
  if (first === null || first.getTime() > now) return undefined;
  const [latest] = cron.previousRuns(1, new Date(now + 1));
  return Math.max(first.getTime(), latest?.getTime() ?? 0);
}
