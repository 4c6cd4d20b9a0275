import type { ExecutionId } from "../foundation/ids.ts";
import type { CatchUp } from "../services/manifest.ts";
import type { Page, PageRequest } from "./paging.ts";
import type { RunRequest } from "./run-requests.ts";

/** Where each schedule has come to. The cron expression itself is the manifest's. */
export interface ScheduleStore {
  /** Those whose next time is not after `now`, earliest first: neither paused nor of a service that is switched off. */
  due(now: number, limit: number): Promise<ScheduledService[]>;
  /** The earliest next time of all that `due` would ever answer; undefined without any. */
  nextDue(): Promise<number | undefined>;

  /**
   * Moves a schedule on to the nominal time `step.to`, in one transaction with the run that it starts
   * for it, or the times that it passes over. Nothing happens, and the answer is undefined, where
   * the schedule is no longer at `schedule.since`, was changed or paused: another scheduler was first
   * (rule D18). So each time is either run or recorded as missed, and only once.
   */
  advance(schedule: ScheduledService, step: ScheduleStep): Promise<AdvancedSchedule | undefined>;

  list(filter: { project?: string | undefined }, page: PageRequest): Promise<Page<ScheduleView>>;
  get(project: string, service: string): Promise<ScheduleView | undefined>;
  /** Newest first, as long as the ledger is kept. */
  misses(project: string, service: string, limit: number): Promise<ScheduleMiss[]>;
  /** Keeps its word over redeploys. What comes while it is paused is not made up. Throws `not-found` where there is no schedule. */
  pause(project: string, service: string, paused: boolean): Promise<ScheduleView>;
}

export interface ScheduledService {
  project: string;
  service: string;
  version: string;
  cron: string;
  timezone: string;
  catchUp: CatchUp;
  priority: number;
  /** The manifest's CEL expression, see services/concurrency-key.ts. */
  concurrencyKey: string | undefined;
  /** Nominal time that was last run or passed over; before that, when the schedule began. Milliseconds since the epoch. */
  since: number;
}

export interface ScheduleStep {
  /** The latest nominal time that this step covers; `since` where it only corrects when the next one comes. */
  to: number;
  /** The time after `to`; undefined: it never comes again. */
  next: number | undefined;
  /** Of the nominal time `to`. */
  run?: RunRequest | undefined;
  missed?: MissedTimes | undefined;
}

export interface MissedTimes {
  first: number;
  last: number;
  count: number;
}

/** Without an execution where the step started none. */
export type AdvancedSchedule = { executionId?: ExecutionId; created: boolean };

export interface ScheduleMiss extends MissedTimes {
  recordedAt: number;
}

export interface ScheduleView extends ScheduledService {
  paused: boolean;
  /** Of the service. */
  active: boolean;
  /** Nominal time that a run was last started for. */
  lastFired: number | undefined;
  /** All that is remembered. */
  missed: MissedTimes | undefined;
}
