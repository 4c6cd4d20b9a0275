import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { StoredEvent } from "../ops-data.ts";
import { afterLifecycle, type Lifecycle, lifecycleOf, type PastRow } from "../past-row.ts";
import { ExecutionSums } from "./execution-sums.ts";

/**
 * One row an execution, from its lifecycle events in whatever order they come; its end is added to the sums once. Events of one
 * execution come close together, so a transaction reads and writes its row once for all of them.
 */
export class PastExecutions {
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #sums: ExecutionSums;
  readonly #taken = new Map<string, { row: PastRow; lastAt: number }>();

  constructor(database: DatabaseSync) {
    this.#get = database.prepare("select * from past_executions where execution_id = ?");
    this.#put = database.prepare(
      `insert or replace into past_executions (execution_id, project, service, version, trigger, status, correlation_id,
         attempt, created_at, started_at, finished_at, last_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#sums = new ExecutionSums(database);
  }

  /** Begins a transaction: what one before it left, because it failed, is forgotten. */
  begin(): void {
    this.#taken.clear();
    this.#sums.begin();
  }

  take(stored: StoredEvent): void {
    const told = lifecycleOf(stored);
    if (told !== undefined) this.takeTold(told, stored.at);
  }

  /** `at`: when it was told of. */
  takeTold(told: Lifecycle, at: number): void {
    const { row, ends } = afterLifecycle(this.#before(told.data.executionId), told);
    this.#taken.set(row.execution_id, { row, lastAt: at });
    if (ends && row.finished_at !== null) this.#sums.add(row, row.finished_at);
  }

  /** Writes what was taken; before the transaction ends. */
  end(): void {
    for (const { row, lastAt } of this.#taken.values()) {
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
        lastAt,
      );
    }
    this.#sums.end();
  }

  prune(before: number): void {
    this.#sums.prune(before);
  }

  #before(id: string): PastRow | undefined {
    return this.#taken.get(id)?.row ?? (this.#get.get(id) as unknown as PastRow | undefined);
  }
}
