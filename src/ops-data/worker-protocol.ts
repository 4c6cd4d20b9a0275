import type { ErrorCode } from "../foundation/errors.ts";
import type { LogQuery, StepRef } from "./ops-data.ts";
import type { PackedRecords } from "./packed-records.ts";

/** What the platform's thread may ask of the worker that holds the file, and what it answers. */
export interface WorkerCalls {
  append: { argument: PackedRecords; result: null };
  logs: { argument: LogQuery; result: PackedRecords };
  output: { argument: OutputRange; result: OutputBytes };
  highestSeq: { argument: { executionId: string; attempt: number }; result: number };
  /** Deletes a few executions; both counts are 0 when none is left. */
  pruneSome: { argument: { before: number }; result: { executions: number; records: number } };
  /** The last call: the file is closed and the worker ends. */
  close: { argument: null; result: null };
}

export type CallName = keyof WorkerCalls;

export interface OutputRange {
  step: StepRef;
  from: number;
  to: number;
}

export interface OutputBytes {
  bytes: Uint8Array<ArrayBuffer>;
  sizeBytes: number;
}

export type WorkerRequest = {
  [Name in CallName]: { id: number; name: Name; argument: WorkerCalls[Name]["argument"] };
}[CallName];

export type WorkerReply =
  | { id: number; ok: true; result: WorkerCalls[CallName]["result"] }
  | { id: number; ok: false; error: { code: ErrorCode; message: string; retryable: boolean } };

export interface WorkerSettings {
  /** The file, or ":memory:". */
  path: string;
}
