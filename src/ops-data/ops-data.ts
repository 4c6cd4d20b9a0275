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
  /** Deletes records older than `before` (milliseconds since the epoch). Answers how many. */
  prune(before: number): Promise<number>;
  close(): Promise<void>;
}

/** A piece of a script's output, or a structured line of its logging. */
export interface LogRecord {
  executionId: string;
  project: string;
  service: string;
  attempt: number;
  step: number;
  script: string;
  /** From 1, within (execution, attempt); no gaps. */
  seq: number;
  /** Milliseconds since the epoch. */
  at: number;
  /** `stdout`, `stderr`: raw output. `log`: a line from `context.logging`. */
  stream: "stdout" | "stderr" | "log";
  /** Of `log` records. */
  level: string | undefined;
  /** Raw bytes: output may be anything. */
  bytes: Uint8Array;
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
