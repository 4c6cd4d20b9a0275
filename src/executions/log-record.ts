/** A piece of a script's output, or a structured line of its logging. */
export interface LogRecord {
  executionId: string;
  project: string;
  service: string;
  /** The flow of the run. */
  correlationId?: string | undefined;
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
