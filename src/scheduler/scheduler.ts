import type { Bus } from "../bus/bus.ts";
import type { DueJob, JobStore } from "../catalog/jobs.ts";
import type { ScheduledService, ScheduleStep, ScheduleStore } from "../catalog/schedules.ts";
import type { CloudEvent } from "../events/cloud-event.ts";
import { eventKeyOf } from "../events/event-key.ts";
import { scheduleFiredEvent } from "../events/platform-events.ts";
import type { Clock, Timer } from "../foundation/clock.ts";
import { isPlatformError, messageOf } from "../foundation/errors.ts";
import type { ExecutionId, Ids, VersionId } from "../foundation/ids.ts";
import type { Log } from "../foundation/log.ts";
import { Loop } from "../foundation/loop.ts";
import { concurrencyKeyFor } from "../services/concurrency-key.ts";
import { type CatchUpLimits, dueTicks } from "./due-ticks.ts";

export interface SchedulerParts {
  bus: Bus;
  catalog: { schedules: ScheduleStore; jobs: JobStore };
  clock: Clock;
  ids: Ids;
  log: Log;
  /** Longest time without a look: clocks are set, and signals lost. */
  pollMs: number;
  catchUp: CatchUpLimits;
}

/** Schedules and jobs taken in one round. */
const roundSize = 1000;
/** Times of one schedule run in one round: a long list to catch up with does not hold up the others. */
const runsOfRound = 20;

/**
 * Time to events. Needs no leader: each step of a schedule is taken from the nominal time it had
 * come to, and its event's id derives from the nominal time it goes to, so that any number of
 * schedulers make one event of one tick (rule D18). Jobs are the runs that scripts asked for later.
 */
export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #loop: Loop;
  #unsubscribe: (() => void)[] = [];
  #nextLook: Timer | undefined;
  /** Something that was due in this round is so no more. */
  #moved = false;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    const { clock, log, pollMs } = parts;
    this.#loop = new Loop({ name: "scheduler", clock, log, idleMs: pollMs, work: (stopping) => this.#round(stopping) });
  }

  start(): void {
    const { bus } = this.#parts;
    // A deploy may bring a schedule that is due before all others.
    this.#unsubscribe = (["schedules", "links"] as const).map((channel) =>
      bus.onSignal(channel, () => this.#loop.wake()),
    );
    this.#loop.start();
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#loop.stop();
    this.#nextLook?.cancel();
  }

  async #round(stopping: AbortSignal): Promise<void> {
    const { catalog, clock } = this.#parts;
    this.#nextLook?.cancel();
    this.#moved = false;
    let failures = 0;
    for (const schedule of await catalog.schedules.due(clock.now(), roundSize)) {
      if (stopping.aborted) return;
      failures += await this.#guarded(schedule, "a schedule could not fire", () => this.#fireDue(schedule));
    }
    for (const job of await catalog.jobs.due(clock.now(), roundSize)) {
      if (stopping.aborted) return;
      failures += await this.#guarded(job, "a retry could not be started", () => this.#startJob(job));
    }
    // What failed is still due, and waits for the poll: it must not make a busy loop.
    if (failures === 0) await this.#lookWhenDue();
  }

  /** One schedule's trouble must not hold up the others. Answers 1 for a failure. */
  async #guarded(who: { project: string; service: string }, what: string, work: () => Promise<void>): Promise<0 | 1> {
    try {
      await work();
      return 0;
    } catch (error) {
      const { project, service } = who;
      this.#parts.log.warn({ project, service, error: messageOf(error) }, what);
      return 1;
    }
  }

  async #lookWhenDue(): Promise<void> {
    const { catalog, clock, pollMs } = this.#parts;
    const due = [await catalog.schedules.nextDue(), await catalog.jobs.nextDue()].filter((time) => time !== undefined);
    const waitMs = Math.min(...due) - clock.now();
    if (waitMs <= 0 && !this.#moved) return;
    if (waitMs < pollMs) this.#nextLook = clock.setTimer(Math.max(0, waitMs), () => this.#loop.wake());
  }

  async #fireDue(schedule: ScheduledService): Promise<void> {
    const { catalog, clock, catchUp, log } = this.#parts;
    const { project, service, since } = schedule;
    let due: ReturnType<typeof dueTicks>;
    try {
      due = dueTicks(schedule, clock.now(), catchUp);
    } catch (error) {
      if (!isPlatformError(error) && !(error instanceof RangeError)) throw error;
      // Until a deploy brings another: it would be tried for ever.
      log.error({ project, service, error: messageOf(error) }, "a schedule cannot be read and is left out");
      await catalog.schedules.advance(schedule, { to: since, next: undefined });
      return;
    }
    const { run, missed, next } = due;
    let at: ScheduledService | undefined = schedule;
    if (missed !== undefined) {
      at = await this.#advance(at, { to: missed.last, next: run[0] ?? next, missed });
      if (at) log.warn({ project, service, ...missed, catchUp: schedule.catchUp }, "times of a schedule were missed");
    }
    for (const [index, nominal] of run.slice(0, runsOfRound).entries()) {
      if (at === undefined) return;
      at = await this.#advance(at, this.#runAt(at, nominal, run[index + 1] ?? next));
    }
    // Its next time was told wrongly, as after new rules for a time zone.
    if (at?.since === since) await this.#advance(at, { to: since, next });
  }

  /** The schedule after the step; undefined where another scheduler, or a person, was first. */
  async #advance(schedule: ScheduledService, step: ScheduleStep): Promise<ScheduledService | undefined> {
    const { bus, catalog } = this.#parts;
    const advanced = await catalog.schedules.advance(schedule, step);
    if (advanced === undefined) return undefined;
    this.#moved = true;
    if (advanced.created) for (const channel of ["dispatch", "outbox"] as const) bus.signal(channel);
    return { ...schedule, since: step.to };
  }

  #runAt(schedule: ScheduledService, nominal: number, next: number | undefined): ScheduleStep {
    const { project, service, version, priority, cron, timezone } = schedule;
    const event = scheduleFiredEvent({ project, service, cron, timezone, nominal });
    const run = {
      ...this.#runOf(event, schedule),
      event,
      trigger: "schedule" as const,
      project,
      service,
      version: version as VersionId,
      priority,
    };
    return { to: nominal, next, run };
  }

  async #startJob(job: DueJob): Promise<void> {
    const { bus, catalog } = this.#parts;
    const { created } = await catalog.jobs.start(job, this.#runOf(job.event, job));
    if (!created) return;
    this.#moved = true;
    for (const channel of ["dispatch", "outbox"] as const) bus.signal(channel);
  }

  #runOf(event: CloudEvent, service: { project: string; service: string; concurrencyKey: string | undefined }) {
    return {
      id: this.#parts.ids.next() as ExecutionId,
      key: eventKeyOf(event),
      concurrencyKey: concurrencyKeyFor(
        { project: service.project, name: service.service },
        service.concurrencyKey,
        event,
      ),
    };
  }
}
