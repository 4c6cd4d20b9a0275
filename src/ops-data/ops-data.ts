import type { LogRecord } from "../executions/log-record.ts";

export type { LogRecord };

/**
 * Remembers what happened: output and logs of runs. Written by the sinks from the backbone, read
 * by the API. Decides nothing; may lag behind, and says how far it has come.
 */
export interface OpsData {
  /** Stores records; storing the same (execution, attempt, seq) again changes nothing. Durable when resolved. */
  append(records: readonly LogRecord[]): Promise<void>;
  /** Records of one execution in order of (attempt, seq), after a place; at most `limit`. */
  logs(query: LogQuery): Promise<LogRecord[]>;
  /** Bytes [from, to) of a step's whole output, stdout and stderr in order of arrival; and its size so far. */
  output(step: StepRef, from: number, to: number): Promise<{ bytes: Uint8Array; sizeBytes: number }>;
  /** Highest seq stored of an attempt; 0 when none. Lets a reader know whether the sink has caught up. */
  highestSeq(executionId: string, attempt: number): Promise<number>;
  /**
   * Deletes what executions wrote whose newest record is older than `before` (milliseconds since the
   * epoch): an output goes whole, never a part of it. Answers how many records.
   */
  prune(before: number): Promise<number>;
  close(): Promise<void>;
}

export interface LogQuery {
  executionId: string;
  after?: { attempt: number; seq: number } | undefined;
  limit: number;
}

export interface StepRef {
  executionId: string;
  attempt: number;
  step: number;
}
