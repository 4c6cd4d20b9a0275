import type { Execution, ExecutionStatus, Step, Trigger } from "../executions/execution.ts";
import type { Lane } from "../executions/lanes.ts";
import type { EventKey, ExecutionId } from "../foundation/ids.ts";
import type { Page, PageRequest } from "./paging.ts";

/** What people see of executions and do to them. */
export interface ExecutionStore {
  /** Newest first. As fast at a million executions as at a thousand. */
  list(filter: ExecutionFilter, page: PageRequest): Promise<Page<Execution>>;
  get(id: ExecutionId): Promise<Execution | undefined>;
  /** All steps of all attempts, in order. */
  steps(id: ExecutionId): Promise<Step[]>;
  /** Why a pending one is not claimed yet; undefined of one that does not wait. */
  waitsFor(id: ExecutionId): Promise<WaitReason | undefined>;
  /** How many there are; bounded work: counts at most 100,000. */
  count(filter: ExecutionFilter): Promise<number>;

  /**
   * A new execution for the same event (rule D6). `version`: "same" or "active" or an id.
   * Throws `not-found`; `conflict` while the original is not terminal.
   */
  retry(id: ExecutionId, options: RetryOptions): Promise<Execution>;
  /** Pending: `cancelled` at once. In progress: asked to stop. Terminal: throws `conflict`. */
  cancel(id: ExecutionId): Promise<Execution>;
  /**
   * Puts a pending execution into another lane, at that lane's priority nearest to its own. Once: throws
   * `conflict` where it was moved before, is in that lane, or is not pending.
   */
  move(id: ExecutionId, lane: Lane): Promise<Execution>;
  /** Pending only; else throws `conflict`. Writes `fx.execution.skipped`. */
  skip(id: ExecutionId): Promise<Execution>;
}

export const waitKinds = ["time", "key", "concurrency", "throttle", "slot"] as const;

/**
 * `time`: its own, of a retry. `key`: behind the head of its concurrency key. `concurrency`, `throttle`: the limits
 * of its service. `slot`: nothing keeps it but that no executor has taken it yet.
 */
export type WaitReason =
  | { kind: "time" | "throttle"; until: number }
  | { kind: "key"; behind: ExecutionId | undefined }
  | { kind: "concurrency"; limit: number }
  | { kind: "slot" };

export interface ExecutionFilter {
  project?: string | undefined;
  /** A service's name within `project`, or `project/name`; a bare name without `project` is of the project `default`. */
  service?: string | undefined;
  status?: readonly ExecutionStatus[] | undefined;
  trigger?: Trigger | undefined;
  eventKey?: EventKey | undefined;
  correlationId?: string | undefined;
  /** Created at or after, and before; milliseconds since the epoch. */
  from?: number | undefined;
  to?: number | undefined;
  /** Whether a person has retried it, whatever became of that. */
  retried?: boolean | undefined;
}

export interface RetryOptions {
  /** Id of the new execution, made by the caller, so that a repeated call is the same call. */
  newId: ExecutionId;
  version: "same" | "active" | (string & {});
}
