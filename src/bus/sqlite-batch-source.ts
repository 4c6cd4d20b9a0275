import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { BusRecord } from "./bus.ts";
import { BatchReader } from "./record-batch.ts";
import type { PartitionLog } from "./sqlite-partition-logs.ts";

/** Reads stored batches, and follows one partition from an offset without reading a batch twice. */
export class SqliteBatchSource {
  readonly #holding: StatementSync;
  readonly #following: StatementSync;

  constructor(database: DatabaseSync) {
    const columns = "select base, count, at, records from batches where log = ?";
    this.#holding = database.prepare(`${columns} and base <= ? order by base desc limit 1`);
    this.#following = database.prepare(`${columns} and base > ? and base < ? order by base limit 1`);
  }

  /**
   * The batch that holds `offset`, or else the next one that still exists. One that is in the file
   * already but not yet answered to its publishers does not count.
   */
  batchAt(log: PartitionLog, offset: number): BatchReader | undefined {
    const holding = this.#read(log, this.#holding, offset);
    return holding !== undefined && holding.end > offset ? holding : this.#read(log, this.#following, offset, log.next);
  }

  #read(log: PartitionLog, statement: StatementSync, ...offsets: number[]): BatchReader | undefined {
    const row = statement.get(log.id, ...offsets) as
      | { base: number; count: number; at: number; records: Uint8Array }
      | undefined;
    return row && new BatchReader({ topic: log.topic, partition: log.partition, ...row });
  }
}

/** A place in a partition and the batch it is in. */
export class PartitionCursor {
  readonly log: PartitionLog;
  readonly #source: SqliteBatchSource;
  #offset: number;
  #reader: BatchReader | undefined;

  constructor(source: SqliteBatchSource, log: PartitionLog, offset: number) {
    this.#source = source;
    this.log = log;
    this.#offset = offset;
  }

  /** Offset of the next record to read. */
  get offset(): number {
    return Math.max(this.#offset, this.log.earliest);
  }

  get hasMore(): boolean {
    return this.offset < this.log.next;
  }

  seek(offset: number): void {
    this.#offset = offset;
    this.#reader = undefined;
  }

  /** Adds up to `limit` records to `target`, fewer once they hold `maxBytes`; answers their bytes. */
  read(target: BusRecord[], limit: number, maxBytes: number): number {
    let bytes = 0;
    for (let count = 0; count < limit && bytes < maxBytes; ) {
      const record = this.#next();
      if (record === undefined) break;
      target.push(record);
      bytes += record.value.length;
      count += 1;
    }
    return bytes;
  }

  #next(): BusRecord | undefined {
    while (this.hasMore) {
      const reader = this.#readerAt(this.offset);
      if (reader === undefined) {
        // Only records that compaction removed are left up to the end.
        this.#offset = this.log.next;
        return undefined;
      }
      const record = reader.next();
      this.#offset = reader.offset;
      if (record !== undefined) return record;
    }
    return undefined;
  }

  #readerAt(offset: number): BatchReader | undefined {
    if (this.#reader === undefined || this.#reader.end <= offset || this.#reader.offset > offset) {
      this.#reader = this.#source.batchAt(this.log, offset);
    }
    this.#reader?.skipTo(offset);
    return this.#reader;
  }
}
