import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { StoredEvent } from "../ops-data.ts";
import { afterLifecycle, type Lifecycle, lifecycleOf, type PastRow } from "../past-row.ts";
import { ExecutionSums } from "./execution-sums.ts";

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

  take(stored: StoredEvent): void {
    const told = lifecycleOf(stored);
    if (told !== undefined) this.takeTold(told, stored.at);
  }

  /** `at`: when it was told of. */
  takeTold(told: Lifecycle, at: number): void {
    const before = this.#get.get(told.data.executionId) as unknown as PastRow | undefined;
    const { row, ends } = afterLifecycle(before, told);
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
    if (ends && row.finished_at !== null) this.#sums.add(row, row.finished_at);
  }

  prune(before: number): void {
    this.#sums.prune(before);
  }
}
