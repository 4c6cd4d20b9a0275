import { type Clock, systemClock } from "../foundation/clock.ts";
import { PlatformError } from "../foundation/errors.ts";
import type { Log } from "../foundation/log.ts";
import type { History, LogQuery, LogRecord, MetricStore, OpsContents, OpsData, Search, StepRef } from "./ops-data.ts";
import { packRecords, unpackRecords } from "./sqlite/packed-records.ts";
import { SlicedSearch } from "./sqlite/sliced-search.ts";
import { WorkerThread } from "./sqlite/worker-thread.ts";

export interface SqliteOpsDataOptions {
  /** The file, or ":memory:", which a worker that dies takes with it. */
  path: string;
  log: Log;
  /** Of the time limits of searches. */
  clock?: Clock;
  /** Documents of one part of the index of words. */
  partSize?: number;
}

/**
 * Operational data in one file, held by two worker threads (rule D20): one writes and reads what runs
 * wrote, the other searches on a connection that only reads. ":memory:" has one thread for both.
 */
export class SqliteOpsData implements OpsData {
  readonly #writer: WorkerThread;
  readonly #reader: WorkerThread;
  readonly search: Search;
  readonly history: History;
  readonly metrics: MetricStore;
  readonly contents: OpsContents;
  readonly gatherMs = 0;

  private constructor({ path, log, clock = systemClock, partSize }: SqliteOpsDataOptions) {
    this.#writer = new WorkerThread({ path, partSize, role: "writer" }, log);
    this.#reader = path === ":memory:" ? this.#writer : new WorkerThread({ path, partSize, role: "reader" }, log);
    this.search = new SlicedSearch(this.#reader, clock);
    this.history = historyOn(this.#writer, this.#reader);
    this.metrics = metricsOn(this.#writer, this.#reader);
    this.contents = contentsOn(this.#writer, this.#reader);
  }

  /** Resolves when the file can be used; rejects with the reason why it cannot. */
  static async open(options: SqliteOpsDataOptions): Promise<SqliteOpsData> {
    const opsData = new SqliteOpsData(options);
    try {
      await opsData.highestSeq("", 0);
    } catch (error) {
      await opsData.close();
      throw error;
    }
    return opsData;
  }

  async append(records: readonly LogRecord[]): Promise<void> {
    if (records.length === 0) return;
    const packed = packRecords(records);
    await this.#writer.call("append", packed, [packed.bytes.buffer]);
  }

  async logs(query: LogQuery): Promise<LogRecord[]> {
    return unpackRecords(await this.#writer.call("logs", query));
  }

  async output(step: StepRef, from: number, to: number): Promise<{ bytes: Uint8Array; sizeBytes: number }> {
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0)) {
      throw new PlatformError("invalid-input", `range [${from}, ${to}): expected whole numbers of bytes from 0`);
    }
    return this.#writer.call("output", { step, from, to });
  }

  highestSeq(executionId: string, attempt: number): Promise<number> {
    return this.#writer.call("highestSeq", { executionId, attempt });
  }

  async prune(before: number): Promise<number> {
    // First, so that no search finds a line of a run that is gone.
    await this.#writer.call("hide", { kind: "lines", before });
    let pruned = 0;
    for (;;) {
      const { executions, records } = await this.#writer.call("pruneSome", { before });
      pruned += records;
      if (executions === 0) break;
    }
    while ((await this.#writer.call("pruneLines", null)) > 0);
    return pruned;
  }

  async close(): Promise<void> {
    await this.#reader.close();
    await this.#writer.close();
  }
}

function historyOn(writer: WorkerThread, reader: WorkerThread): History {
  return {
    async record(events) {
      if (events.length > 0) await writer.call("record", events);
    },
    executionStats: (query) => reader.call("stats", query),
    slowest: (query) => reader.call("slowest", query),
    async prune(before) {
      await writer.call("hide", { kind: "events", before });
      return untilNone(() => writer.call("pruneHistory", { before }));
    },
  };
}

function metricsOn(writer: WorkerThread, reader: WorkerThread): MetricStore {
  return {
    async record(samples) {
      if (samples.length > 0) await writer.call("recordMetrics", samples);
    },
    names: (span) => reader.call("metricNames", span),
    series: (query) => reader.call("metricSeries", query),
    prune: (before) => untilNone(() => writer.call("pruneMetrics", { before })),
  };
}

function contentsOn(writer: WorkerThread, reader: WorkerThread): OpsContents {
  return {
    writers: (page) => reader.call("writers", page),
    events: (page) => reader.call("events", page),
    ends: (page) => reader.call("ends", page),
    async takeEnds(ends) {
      if (ends.length > 0) await writer.call("takeEnds", ends);
    },
  };
}

/** Answers how many were deleted in all: others get their turn in between. */
async function untilNone(deleteSome: () => Promise<number>): Promise<number> {
  let deleted = 0;
  for (;;) {
    const some = await deleteSome();
    deleted += some;
    if (some === 0) return deleted;
  }
}
