import type { DatabaseSync, StatementSync } from "node:sqlite";
import { inTransaction } from "../foundation/sqlite-file.ts";
import type { BusRecord } from "./bus.ts";
import { BatchReader, encodeBatches } from "./record-batch.ts";
import type { PartitionLog } from "./sqlite-partition-logs.ts";

/** Batches of one deleting transaction, so that a large deletion does not hold up publishers. */
const batchesAtOnce = 200;

interface BatchRow {
  base: number;
  count: number;
  at: number;
  records: Uint8Array;
}

/** Takes from the bus what it need not keep: by age, or all but the newest record of each key. */
export class SqliteRetention {
  readonly #database: DatabaseSync;
  readonly #firstKept: StatementSync;
  readonly #oldest: StatementSync;
  readonly #delete: StatementSync;
  readonly #earliest: StatementSync;
  readonly #noteBounds: StatementSync;
  readonly #before: StatementSync;
  readonly #rewrite: StatementSync;
  /** End of each partition when it was compacted last. */
  readonly #compactedTo = new Map<PartitionLog, number>();

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#firstKept = database.prepare("select base from batches where log = ? and at >= ? order by base limit 1");
    this.#oldest = database.prepare("select base, count from batches where log = ? and base < ? order by base limit ?");
    this.#delete = database.prepare("delete from batches where log = ? and base = ?");
    this.#earliest = database.prepare("select base from batches where log = ? order by base limit 1");
    this.#noteBounds = database.prepare("update logs set earliest = ?, next = ? where id = ?");
    this.#before = database.prepare(
      "select base, count, at, records from batches where log = ? and base < ? order by base desc limit 1",
    );
    this.#rewrite = database.prepare("update batches set records = ? where log = ? and base = ?");
  }

  /**
   * Deletes up to some hundred of the partition's oldest batches that were stored before `cutoff`;
   * answers how many records went, 0 when none is left. A batch behind a newer one stays until that
   * one goes: a clock that was set back must not make a hole. So does a batch with a record from
   * `unread` on.
   */
  deleteBefore(log: PartitionLog, cutoff: number, unread: number): number {
    const first = this.#firstKept.get(log.id, cutoff) as { base: number } | undefined;
    const end = Math.min(first?.base ?? log.next, unread);
    const found = this.#oldest.all(log.id, end, batchesAtOnce) as unknown as { base: number; count: number }[];
    const old = found.filter(({ base, count }) => base + count <= end);
    const last = old.at(-1);
    if (last === undefined) return 0;
    const earliest = inTransaction(this.#database, () => {
      for (const { base } of old) this.#delete.run(log.id, base);
      return this.#storeBounds(log);
    });
    const deleted = earliest - log.earliest;
    log.earliest = earliest;
    return deleted;
  }

  /** Keeps the newest record of every key, at its offset; answers how many went. */
  compact(log: PartitionLog): number {
    if (this.#compactedTo.get(log) === log.next) return 0;
    const seen = new Set<string>();
    let removed = 0;
    const earliest = inTransaction(this.#database, () => {
      for (let end = log.next; ; ) {
        const row = this.#before.get(log.id, end) as BatchRow | undefined;
        if (row === undefined) return this.#storeBounds(log);
        removed += this.#compactBatch(log, row, seen);
        end = row.base;
      }
    });
    log.earliest = earliest;
    this.#compactedTo.set(log, log.next);
    return removed;
  }

  /** `seen` holds the keys of all later batches, and afterwards those of this one too. */
  #compactBatch(log: PartitionLog, row: BatchRow, seen: Set<string>): number {
    const reader = new BatchReader({ topic: log.topic, partition: log.partition, ...row });
    const kept = new Array<BusRecord | undefined>(row.count).fill(undefined);
    let found = 0;
    for (let record = reader.next(); record !== undefined; record = reader.next()) {
      kept[record.offset - row.base] = record;
      found += 1;
    }
    let left = 0;
    for (let index = kept.length - 1; index >= 0; index -= 1) {
      const key = kept[index]?.key;
      if (key === undefined) continue;
      if (seen.has(key)) kept[index] = undefined;
      else left += 1;
      seen.add(key);
    }
    if (left === 0) this.#delete.run(log.id, row.base);
    else if (left < found) {
      const [encoded] = encodeBatches(kept);
      if (encoded !== undefined) this.#rewrite.run(encoded.records, log.id, row.base);
    }
    return found - left;
  }

  /** Without any batch the file still has to know where the partition goes on. */
  #storeBounds(log: PartitionLog): number {
    const row = this.#earliest.get(log.id) as { base: number } | undefined;
    const earliest = row?.base ?? log.next;
    this.#noteBounds.run(earliest, log.next, log.id);
    return earliest;
  }
}
