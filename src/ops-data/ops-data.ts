import type { CloudEvent } from "../events/cloud-event.ts";
import type { ExecutionStatus, Trigger } from "../executions/execution.ts";
import type { LogRecord } from "../executions/log-record.ts";
import { PlatformError } from "../foundation/errors.ts";
import type { Labels, MetricKind } from "../metrics/figure.ts";
import type { MetricSample } from "../metrics/metric-sample.ts";
import type { Series } from "../metrics/series.ts";
import type { LogLevelName } from "../search/query-fields.ts";
import type { QueryNode } from "../search/query-node.ts";

export type { LogRecord };

/**
 * Remembers what happened: output and logs of runs, events, the history of executions. Written by the
 * sinks from the backbone, read by the API. Decides nothing; may lag behind, and says how far it has come.
 */
export interface OpsData extends RunLogs {
  readonly search: Search;
  readonly history: History;
  readonly metrics: MetricStore;
  readonly contents: OpsContents;
  /** Milliseconds to gather what is written together, where a write costs much whatever is in it; 0: what is there is written. */
  readonly gatherMs: number;
  close(): Promise<void>;
}

/** Output and logs by execution. */
export interface RunLogs {
  /**
   * Stores records; storing the same (execution, attempt, seq) again changes nothing. Durable, and found
   * by searches, when resolved.
   */
  append(records: readonly LogRecord[]): Promise<void>;
  /** Records of one execution in order of (attempt, seq), after a place; at most `limit`. */
  logs(query: LogQuery): Promise<LogRecord[]>;
  /** Bytes [from, to) of a step's whole output, stdout and stderr in order of arrival; and its size so far. */
  output(step: StepRef, from: number, to: number): Promise<{ bytes: Uint8Array; sizeBytes: number }>;
  /** Highest seq stored of an attempt; 0 when none. Lets a reader know whether the sink has caught up. */
  highestSeq(executionId: string, attempt: number): Promise<number>;
  /**
   * Deletes what executions wrote whose newest record is older than `before` (milliseconds since the
   * epoch): an output goes whole, never a part of it. Lines older than `before` are not found any more.
   * Answers how many records.
   */
  prune(before: number): Promise<number>;
}

/**
 * Finds lines and events, the newest first. A search walks back through time in slices and gives other
 * searches their turn after each; it never holds up `append` or the caller's thread. When its time is up
 * it answers with what it has: `complete` false, and `searchedTo` is the time down to which it looked.
 */
export interface Search {
  /**
   * Pieces of output are assembled to lines, of which each is found by itself: one that is split over
   * records is one line, whose time is that of its beginning. Empty lines are left out; one longer
   * than 16 KiB is several. A line that has no end yet is found with what there is of it.
   */
  lines(request: SearchRequest): Promise<Found<LogLine>>;
  /** How many lines match, by time and by what wrote them. */
  countLines(request: CountRequest): Promise<LineCounts>;
  events(request: SearchRequest): Promise<Found<EventHit>>;
}

/** What was decided in the past, for people and dashboards. */
export interface History {
  /** Stores events, and what lifecycle events tell of executions; the same again changes nothing. */
  record(events: readonly StoredEvent[]): Promise<void>;
  /** Counts and times of the executions that ended in [from, to), whole minutes of UTC. Reads sums, not executions. */
  executionStats(query: StatsQuery): Promise<StatsRow[]>;
  /** Executions that ended in [from, to) and took the longest. */
  slowest(query: { from: number; to: number; project?: string | undefined; limit: number }): Promise<PastExecution[]>;
  /** Deletes events, executions and sums older than `before`. Answers how many events and executions. */
  prune(before: number): Promise<number>;
}

/** What processes measured of themselves, through time. */
export interface MetricStore {
  /** Stores samples; the same value of the same time again changes nothing. */
  record(samples: readonly MetricSample[]): Promise<void>;
  /** What was measured in [from, to), in order of names. */
  names(span: { from: number; to: number }): Promise<MetricName[]>;
  /** Series in order of names and labels. Throws `limit-exceeded` for more than `maxMetricSteps` steps of all of them together. */
  series(query: MetricQuery): Promise<Series[]>;
  /** Deletes values older than `before`. Answers how many. */
  prune(before: number): Promise<number>;
}

export interface MetricName {
  name: string;
  kind: MetricKind;
  /** How many series it has: sets of labels. */
  series: number;
}

export interface MetricQuery {
  names: readonly string[];
  /** Labels that a series must have. */
  where: Labels;
  /** [from, to), milliseconds since the epoch. */
  from: number;
  to: number;
  /** Steps begin at multiples of it. */
  stepMs: number;
}

/** What one answer may hold. */
export const maxMetricSteps = 50_000;

export function tooManySteps(): PlatformError {
  const message = `more than ${maxMetricSteps} values: ask with a longer step, for a shorter time, or for fewer series by their labels`;
  return new PlatformError("limit-exceeded", message);
}

/**
 * Everything that is kept, to carry it to another store: what a list answers goes on after the last item of the page before. What
 * an execution wrote `logs` tells, and `append` takes; `record` takes events.
 */
export interface OpsContents {
  /** Executions that wrote, in the order of their ids. */
  writers(page: ContentsPage): Promise<Writer[]>;
  /**
   * In the order of their keys. Of an event's data there is an excerpt, as text; of what is told of executions, the data where
   * they are no longer than that.
   */
  events(page: ContentsPage): Promise<StoredEvent[]>;
  /** Executions that have ended, in the order of their ids. */
  ends(page: ContentsPage): Promise<ExecutionEnd[]>;
  /** Takes ends of executions into history; those that are known change nothing. */
  takeEnds(ends: readonly ExecutionEnd[]): Promise<void>;
}

export interface ContentsPage {
  after: string | undefined;
  limit: number;
}

export interface Writer {
  executionId: string;
  /** Undefined where it is not known any more. */
  correlationId: string | undefined;
}

export interface ExecutionEnd extends Omit<PastExecution, "startedAt"> {
  /** Undefined: it was never started. */
  startedAt: number | undefined;
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

export interface SearchRequest {
  /** Without limits of time; those are `from` and `to`. */
  query: QueryNode;
  /** [from, to), milliseconds since the epoch; may be infinite. */
  from: number;
  to: number;
  limit: number;
  /** `id` of the last item of the page before. Throws `invalid-input` when it is none. */
  after?: string | undefined;
  timeLimitMs: number;
  signal?: AbortSignal | undefined;
}

export interface Found<Item> {
  items: Item[];
  complete: boolean;
  /** Milliseconds since the epoch; -Infinity: the beginning. */
  searchedTo: number;
}

export interface LogLine {
  /** Sorts by time, as a number. */
  id: string;
  at: number;
  executionId: string;
  project: string;
  service: string;
  attempt: number;
  step: number;
  script: string;
  stream: LogRecord["stream"];
  level: LogLevelName;
  text: string;
}

export interface CountRequest extends Omit<SearchRequest, "limit" | "after"> {
  /** Buckets begin at multiples of it. */
  bucketMs: number;
}

export interface LineCounts {
  counts: {
    bucketAt: number;
    project: string;
    service: string;
    script: string;
    stream: string;
    level: LogLevelName;
    count: number;
  }[];
  complete: boolean;
  searchedTo: number;
}

export interface StoredEvent {
  key: string;
  event: CloudEvent;
  /** When the backbone took it. */
  at: number;
}

export interface EventHit {
  id: string;
  key: string;
  at: number;
  eventId: string;
  source: string;
  type: string;
  subject: string | undefined;
  project: string | undefined;
  correlationId: string | undefined;
  /** Beginning of its data, as JSON. */
  excerpt: string;
}

export const statsKeys = ["status", "trigger", "service", "project", "day", "hour"] as const;
export type StatsKey = (typeof statsKeys)[number];

export interface StatsQuery {
  from: number;
  to: number;
  project?: string | undefined;
  service?: string | undefined;
  /** What the rows are told apart by. `service` takes the project with it. */
  by: readonly StatsKey[];
}

export interface StatsRow {
  status?: ExecutionStatus;
  trigger?: Trigger;
  project?: string;
  service?: string;
  /** Begin of the day or hour. */
  at?: number;
  count: number;
  /** From the first start to the end. */
  duration: DurationStats;
  /** From being made to the first start. */
  queue: DurationStats;
}

/** Milliseconds; quantiles to within 2.5 %. All undefined when none was started. */
export interface DurationStats {
  avgMs: number | undefined;
  maxMs: number | undefined;
  p50Ms: number | undefined;
  p95Ms: number | undefined;
}

export interface PastExecution {
  executionId: string;
  project: string;
  service: string;
  version: string;
  trigger: Trigger;
  status: ExecutionStatus;
  correlationId: string;
  attempt: number;
  createdAt: number;
  startedAt: number;
  finishedAt: number;
}
