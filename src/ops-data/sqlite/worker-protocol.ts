import type { ErrorCode } from "../../foundation/errors.ts";
import type { MetricSample } from "../../metrics/metric-sample.ts";
import type { Series } from "../../metrics/series.ts";
import type {
  ContentsPage,
  EventHit,
  ExecutionEnd,
  LineCounts,
  LogLine,
  LogQuery,
  MetricName,
  MetricQuery,
  PastExecution,
  StatsQuery,
  StatsRow,
  StepRef,
  StoredEvent,
  Writer,
} from "../ops-data.ts";
import type { PackedRecords } from "./packed-records.ts";
import type { Slice, SliceRequest } from "./slices.ts";

/** What the platform's thread may ask of a worker, and what it answers. */
export interface WorkerCalls {
  append: { argument: PackedRecords; result: null };
  logs: { argument: LogQuery; result: PackedRecords };
  output: { argument: OutputRange; result: OutputBytes };
  highestSeq: { argument: { executionId: string; attempt: number }; result: number };
  record: { argument: readonly StoredEvent[]; result: null };
  /** Lines, or events, from before are not found once this is answered. */
  hide: { argument: { kind: "lines" | "events"; before: number }; result: null };
  /** These delete a little and answer how much it was; 0 when nothing is left. */
  pruneSome: { argument: { before: number }; result: { executions: number; records: number } };
  pruneLines: { argument: null; result: number };
  pruneHistory: { argument: { before: number }; result: number };
  lineSlice: { argument: SliceRequest; result: Slice<LogLine> };
  countSlice: {
    argument: Omit<SliceRequest, "limit"> & { bucketMs: number };
    result: Slice<LineCounts["counts"][number]>;
  };
  eventSlice: { argument: SliceRequest; result: Slice<EventHit> };
  stats: { argument: StatsQuery; result: StatsRow[] };
  slowest: {
    argument: { from: number; to: number; project?: string | undefined; limit: number };
    result: PastExecution[];
  };
  recordMetrics: { argument: readonly MetricSample[]; result: null };
  metricNames: { argument: { from: number; to: number }; result: MetricName[] };
  metricSeries: { argument: MetricQuery; result: Series[] };
  pruneMetrics: { argument: { before: number }; result: number };
  writers: { argument: ContentsPage; result: Writer[] };
  events: { argument: ContentsPage; result: StoredEvent[] };
  ends: { argument: ContentsPage; result: ExecutionEnd[] };
  takeEnds: { argument: readonly ExecutionEnd[]; result: null };
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
  /** A reader never writes: it searches while the writer appends. */
  role: "writer" | "reader";
  /** Documents of one part of the index of words; undefined: the usual. */
  partSize: number | undefined;
}
