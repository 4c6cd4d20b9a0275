import type { CapturedEffect } from "../executions/captured-effect.ts";
import type { Execution } from "../executions/execution.ts";
import type { ExecutionId, ReplayId } from "../foundation/ids.ts";
import type { Page, PageRequest } from "./paging.ts";

/** Flows that were run again on their recorded inputs, with nothing done but the running. */
export interface ReplayStore {
  /**
   * In one transaction: picks the last execution of every start of the flow (retries by people
   * collapse to the latest), and makes for each whose input is still there a new execution of trigger
   * `replay`, with `retryOf` naming the original. The same id again answers the replay there is,
   * `created` false, and throws `conflict` where it was for another flow or other versions.
   * Throws `not-found` for a flow without executions or a version that is not there; `invalid-input`
   * for a service that is not in the flow; `conflict` while the flow still runs; `limit-exceeded`
   * past `maxReplayExecutions`.
   */
  create(request: ReplayRequest): Promise<{ replay: Replay; created: boolean }>;
  get(id: ReplayId): Promise<Replay | undefined>;
  /** Newest first. */
  list(filter: { correlationId?: string | undefined }, page: PageRequest): Promise<Page<Replay>>;
  /** In the order of their originals. */
  executions(id: ReplayId): Promise<Execution[]>;
  /** What an ended execution of a replay asked for; empty while it has not ended. */
  captured(id: ExecutionId): Promise<{ effects: CapturedEffect[]; count: number }>;
  /** With its executions. Throws `not-found`; `conflict` while it runs. */
  delete(id: ReplayId): Promise<void>;
}

/** Executions of one replay. */
export const maxReplayExecutions = 500;

export interface ReplayRequest {
  id: ReplayId;
  correlationId: string;
  /** By `project/service`: "active", or a version's id. Services that are not named run the version they ran. */
  versions: Readonly<Record<string, string>>;
}

export interface Replay {
  id: ReplayId;
  correlationId: string;
  versions: Readonly<Record<string, string>>;
  /** Executions that it made; those that could not be run again come besides. */
  executions: number;
  notReplayable: NotReplayable[];
  createdAt: number;
}

export interface NotReplayable {
  /** The original. */
  executionId: ExecutionId;
  reason: string;
}
