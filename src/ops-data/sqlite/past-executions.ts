import type { DatabaseSync, StatementSync } from "node:sqlite";
import { z } from "zod";
import {
  type ExecutionStatus,
  executionStatuses,
  isTerminal,
  type Trigger,
  triggers,
} from "../../executions/execution.ts";
import type { StoredEvent } from "../ops-data.ts";
import { ExecutionSums } from "./execution-sums.ts";

/** What a lifecycle event tells; written by `src/executions/lifecycle-events.ts`. */
const lifecycleData = z.object({
  executionId: z.string().min(1),
  project: z.string(),
  service: z.string(),
  version: z.string(),
  status: z.enum(executionStatuses),
  attempt: z.int(),
  trigger: z.enum(triggers).catch("event"),
  createdAt: z.number().optional(),
  startedAt: z.number().optional(),
});

export interface PastRow {
  execution_id: string;
  project: string;
  service: string;
  version: string;
  trigger: Trigger;
  status: ExecutionStatus;
  correlation_id: string;
  attempt: number;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
}

/** One row an execution, from its lifecycle events in whatever order they come; its end is added to the sums once. */
export class PastExecutions {
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #sums: ExecutionSums;

  constructor(database: DatabaseSync) {
    this.#get = database.prepare("select * from past_executions where execution_id = ?");
    this.#put = database.prepare(
      `insert or replace into past_executions (execution_id, project, service, version, trigger, status, correlation_id,
         attempt, created_at, started_at, finished_at, last_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#sums = new ExecutionSums(database);
  }

  take({ event, at }: StoredEvent): void {
    const parsed = lifecycleData.safeParse(event.data);
    if (!parsed.success) return;
    const { data } = parsed;
    const time = event.time === undefined ? at : Date.parse(event.time);
    const before = this.#get.get(data.executionId) as unknown as PastRow | undefined;
    // The end is the last word, even if news from before it come later.
    const ends = isTerminal(data.status) && before?.finished_at == null;
    const row: PastRow = {
      execution_id: data.executionId,
      project: data.project,
      service: data.service,
      version: data.version,
      trigger: data.trigger,
      status: before?.finished_at == null ? data.status : before.status,
      correlation_id: event.correlationid ?? "",
      attempt: Math.max(before?.attempt ?? 0, data.attempt),
      created_at: data.createdAt ?? before?.created_at ?? time,
      started_at: data.startedAt ?? before?.started_at ?? null,
      finished_at: ends ? time : (before?.finished_at ?? null),
    };
    this.#put.run(
      row.execution_id,
      row.project,
      row.service,
      row.version,
      row.trigger,
      row.status,
      row.correlation_id,
      row.attempt,
      row.created_at,
      row.started_at,
      row.finished_at,
      at,
    );
    if (ends) this.#sums.add(row, time);
  }

  prune(before: number): void {
    this.#sums.prune(before);
  }
}
