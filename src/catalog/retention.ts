/** Deletes history past its age, in small steps (rule D13). */
export interface RetentionStore {
  /**
   * Does `work` unless another process does it at the same time; answers whether it did. It spares work and guards nothing: a process
   * that lost the database for a moment may still be at it beside the next.
   */
  alone(work: () => Promise<void>): Promise<boolean>;
  /** Ages in milliseconds. Answers how many rows went; at most about `limit` per table and call. */
  prune(ages: RetentionAges, limit: number): Promise<number>;
}

export interface RetentionAges {
  /** Ledger rows keep the hash of events for at least the bus retention plus a day, so that late repeats are known. */
  ledgerMs: number;
  /** Then an event loses its data and keeps its attributes, unless an execution that has not ended needs it. */
  bodiesMs: number;
  executionsMs: number;
}
