import type { CloudEvent } from "../events/cloud-event.ts";
import type { EventKey, ExecutionId, VersionId } from "../foundation/ids.ts";
import type { JsonObject } from "../foundation/json.ts";
import type { HeldLease } from "./leases.ts";
import type { Page, PageRequest } from "./paging.ts";

/** Runs that scripts asked for later. One an execution: the job's id derives from it, and its run's event from the job. */
export interface JobStore {
  /**
   * Under the attempt's token: makes the execution's job, or gives the pending one this time and
   * these parameters, which go over the trigger's own. A job that has started its run, or was
   * cancelled by a person, stays as it is and is answered.
   * Throws `lease-lost` where the token is not current.
   */
  put(lease: HeldLease, at: number, parameters?: JsonObject): Promise<Job>;

  /** Pending ones whose time is not after `now`, earliest first. Those of a service that is switched off wait for it. */
  due(now: number, limit: number): Promise<DueJob[]>;
  nextDue(): Promise<number | undefined>;
  /** In one transaction: the job is done and its run requested. `created` is false where it was not pending any more. */
  start(job: DueJob, run: JobRun): Promise<{ executionId: ExecutionId | undefined; created: boolean }>;

  /** Pending ones, earliest first. */
  list(filter: { project?: string | undefined; service?: string | undefined }, page: PageRequest): Promise<Page<Job>>;
  /** Throws `not-found`; `conflict` where it has started its run. Cancelling twice is the same. */
  cancel(id: string): Promise<void>;
}

/**
 *   pending ──its time──▶ started        pending ──a person──▶ cancelled
 */
export type JobStatus = "pending" | "started" | "cancelled";

export interface Job {
  id: string;
  /** That asked for it. */
  executionId: ExecutionId;
  project: string;
  service: string;
  status: JobStatus;
  at: number;
  correlationId: string;
  createdAt: number;
}

export interface DueJob {
  id: string;
  project: string;
  service: string;
  /** The active one. */
  version: VersionId;
  priority: number;
  concurrencyKey: string | undefined;
  /** What will start it: the asking execution's trigger under a new id, with the parameters that were asked for. */
  event: CloudEvent;
}

export interface JobRun {
  id: ExecutionId;
  key: EventKey;
  concurrencyKey: string | undefined;
}
