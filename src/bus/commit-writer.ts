import type { ErrorCode } from "../foundation/errors.ts";

/** What one group commit stores: all of it or nothing, and durable before it is answered. */
export interface CommitRows {
  batches: readonly BatchRow[];
  positions: readonly PositionRow[];
}

export interface BatchRow {
  /** Id of the partition's log. */
  log: number;
  /** Offset of the first record. */
  base: number;
  count: number;
  /** Milliseconds since the epoch. */
  at: number;
  /** Alone in its buffer, which goes to whoever writes it. */
  records: Uint8Array<ArrayBuffer>;
}

/** The next offset to read of one consumer group; never moves backwards. */
export interface PositionRow {
  group: string;
  topic: string;
  partition: number;
  offset: number;
}

/** After `failed` nothing of the commit remains; after `unknown` the file alone knows. */
export type CommitOutcome = { kind: "durable" } | { kind: "failed" | "unknown"; error: unknown };

/** Where group commits are written. */
export interface CommitWriter {
  /** One at a time: not before the last was answered. `done` may be called before this returns; it never throws. */
  write(rows: CommitRows, done: (outcome: CommitOutcome) => void): void;
  /** Called once nothing is under way. */
  close(): Promise<void>;
}

/** What the worker is asked and answers, in order and one at a time. */
export type CommitWorkerRequest = { kind: "write"; rows: CommitRows } | { kind: "close" };

export type CommitWorkerReply = { ok: true } | { ok: false; error: CommitWorkerError };

export interface CommitWorkerError {
  code: ErrorCode;
  message: string;
  retryable: boolean;
}

export interface CommitWorkerSettings {
  path: string;
}
