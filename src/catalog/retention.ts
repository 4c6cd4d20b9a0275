/** Deletes history past its age, in small steps (rule D13). */
export interface RetentionStore {
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
