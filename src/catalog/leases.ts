import type { CapturedEffect } from "../executions/captured-effect.ts";
import type { Execution, ExecutionError, Lease, Step } from "../executions/execution.ts";
import type { Lane } from "../executions/lanes.ts";
import type { ExecutionId, InstanceId } from "../foundation/ids.ts";

/** Claiming and finishing attempts. Every write carries the fencing token (rule D8). */
export interface LeaseStore {
  /**
   * Leases at most `limit` due executions: lanes in the order given, within a lane by priority, among
   * services of one priority in turn, of one service in the order of routing. Concurrent callers never
   * get the same one. Of a concurrency key only the earliest unfinished execution is due, also while it
   * waits in backoff (rule D5). Of a service with `concurrency` no more are leased than that, replays
   * included; of one with a `throttle` no more are claimed within any of its periods. Of the services in `except` nothing is claimed, as if
   * none of theirs waited. Counts the attempt, and writes `fx.execution.started` to the outbox.
   */
  claim(request: ClaimRequest): Promise<ClaimedExecution[]>;

  /** Extends the leases that are still held: their token is current, even past its time while nobody has expired it. Answers which are, and which of them a person asked to cancel. */
  renew(leases: readonly HeldLease[], leaseMs: number): Promise<RenewedLease[]>;

  /** Records steps that began or ended, for whoever looks while it runs. Steps under an old token are dropped. */
  recordSteps(records: readonly { id: ExecutionId; token: number; steps: Step[] }[]): Promise<void>;

  /**
   * Ends attempts, outcome last (rule D9), and writes their lifecycle events to the outbox in the
   * same transaction. An attempt whose token is not current changes nothing: `applied` is false. `onClaimable` is called before this
   * resolves where something may be claimed, now or after a pause, that could not be before: a retry, the next of a concurrency key,
   * one that waited for the place.
   */
  finish(reports: readonly AttemptReport[], onClaimable?: () => void): Promise<{ id: ExecutionId; applied: boolean }[]>;

  /** Gives back claimed executions that were not begun, e.g. on shutdown; their attempt is not counted. */
  release(leases: readonly HeldLease[]): Promise<void>;

  /**
   * Ends the attempts whose lease has expired by the database's clock: `pending` after a pause, or `failed`
   * after `maxLosses` or where the manifest says `on_lost: fail` (rule D7).
   */
  expire(limit: number): Promise<ExpiredLease[]>;

  /** Expires at once the leases of every owner but those named, whose runs are due again at once: an embedded restart (rule D8). */
  expireOthers(owners: readonly InstanceId[]): Promise<number>;

  /**
   * When the next pending execution becomes due, by the database's clock: its own time, or that of its
   * service's throttle. Undefined when none waits for a time. `later`: of those alone whose time had not come when something was claimed last,
   * whatever can be claimed besides.
   */
  nextDue(which?: "any" | "later"): Promise<number | undefined>;
}

export type ServiceName = Pick<Execution, "project" | "service">;

export interface ClaimRequest {
  owner: InstanceId;
  lanes: readonly Lane[];
  limit: number;
  /**
   * Of the limit, for how many there is no place to run yet: no more than the others are of services with a throttle, which what is given back
   * has used up, or with `on_lost: fail`, of which nothing may be lost that was not begun.
   */
  ahead?: number;
  /** Of these nothing. Their turns stay as they are. */
  except?: readonly ServiceName[];
  leaseMs: number;
}

/** With what a run needs: its trigger's body. */
export interface ClaimedExecution {
  execution: Extract<Execution, { status: "in_progress" }>;
  /** JSON of the trigger event. */
  body: Uint8Array;
}

export interface HeldLease {
  id: ExecutionId;
  token: number;
}

export type RenewedLease = { id: ExecutionId } & (
  | { held: true; lease: Lease; cancelRequested: boolean }
  | { held: false }
);

export interface AttemptReport {
  id: ExecutionId;
  token: number;
  steps: Step[];
  /** Of a replay: what its scripts asked for. Kept where this attempt ends the execution; of a lost one nothing is. */
  captured?: { effects: readonly CapturedEffect[]; count: number } | undefined;
  outcome:
    | { kind: "completed" }
    /** A script failed. `retryInMs`: again after that long; undefined: no attempt is left. */
    | { kind: "failed"; error: ExecutionError; retryInMs: number | undefined }
    | { kind: "cancelled" }
    /** The platform could not carry it to its end; counts as a loss (rule D7). */
    | { kind: "lost"; error: ExecutionError };
}

export interface ExpiredLease {
  id: ExecutionId;
  token: number;
  became: "pending" | "failed" | "cancelled";
}
