import type { DatabaseSync, StatementSync } from "node:sqlite";
import { invariant } from "../foundation/assert.ts";
import type { Clock } from "../foundation/clock.ts";
import { PlatformError } from "../foundation/errors.ts";
import { inTransaction } from "../foundation/sqlite-file.ts";
import type { Defer } from "../foundation/turn.ts";
import type { GroupPosition, NewRecord, Placement } from "./bus.ts";
import { encodeBatches } from "./record-batch.ts";
import type { PartitionLog, SqlitePartitionLogs } from "./sqlite-partition-logs.ts";

/** Bytes of one transaction, so that a burst neither doubles in memory nor holds up the event loop for long. */
const maxCommitBytes = 8 * 1024 * 1024;

interface Request {
  records: readonly NewRecord[];
  group: string;
  positions: readonly GroupPosition[];
  bytes: number;
  resolve(placements: Placement[]): void;
  reject(error: unknown): void;
}

export interface SqliteCommitsParts {
  database: DatabaseSync;
  logs: SqlitePartitionLogs;
  clock: Clock;
  defer: Defer;
  isOwner(): boolean;
  translate(error: unknown): unknown;
  /** Called after a commit with the partitions that grew. */
  onAppended(logs: Iterable<PartitionLog>): void;
}

/**
 * Group commit: appends and position stores that are asked for in one turn become one synced
 * transaction, so that n callers wait for one sync of the disk. A caller's request is never split
 * over two. When the transaction fails all of its callers are rejected and nothing of it remains.
 */
export class SqliteCommits {
  readonly #parts: SqliteCommitsParts;
  readonly #appendBatch: StatementSync;
  readonly #storePosition: StatementSync;
  #waiting: Request[] = [];
  #idle: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(parts: SqliteCommitsParts) {
    this.#parts = parts;
    this.#appendBatch = parts.database.prepare(
      "insert into batches (log, base, count, at, records) values (?, ?, ?, ?, ?)",
    );
    this.#storePosition = parts.database.prepare(
      `insert into positions (consumer_group, topic, partition, offset) values (?, ?, ?, ?)
       on conflict do update set offset = max(offset, excluded.offset)`,
    );
  }

  append(records: readonly NewRecord[]): Promise<Placement[]> {
    return this.#add({ records, group: "", positions: [] });
  }

  async store(group: string, positions: readonly GroupPosition[]): Promise<void> {
    await this.#add({ records: [], group, positions });
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    await this.#idle?.promise;
  }

  #add(request: Omit<Request, "bytes" | "resolve" | "reject">): Promise<Placement[]> {
    const bytes = request.records.reduce((sum, { value, key }) => sum + value.length + key.length, 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...request, bytes, resolve, reject });
      if (this.#idle !== undefined) return;
      this.#idle = Promise.withResolvers();
      this.#parts.defer(() => this.#commitOne());
    });
  }

  #commitOne(): void {
    this.#commit(this.#take());
    if (this.#waiting.length > 0) {
      this.#parts.defer(() => this.#commitOne());
      return;
    }
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  #take(): Request[] {
    let bytes = 0;
    const end = this.#waiting.findIndex((request, index) => {
      bytes += request.bytes;
      return index > 0 && bytes > maxCommitBytes;
    });
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
  }

  #commit(requests: readonly Request[]): void {
    const { database, isOwner, translate, onAppended } = this.#parts;
    const grown = new Map<PartitionLog, NewRecord[]>();
    let placements: Placement[][];
    try {
      if (!isOwner())
        throw new PlatformError("unavailable", "the bus's database was opened anew", { retryable: false });
      placements = inTransaction(database, () => {
        const places = requests.map(({ records }) => records.map((record) => this.#place(record, grown)));
        for (const [log, records] of grown) this.#write(log, records);
        for (const { group, positions } of requests) {
          for (const { topic, partition, offset } of positions) {
            this.#storePosition.run(group, topic, partition, offset);
          }
        }
        return places;
      });
    } catch (error) {
      const translated = translate(error);
      for (const { reject } of requests) reject(translated);
      return;
    }
    for (const [log, records] of grown) log.next += records.length;
    for (const [index, { resolve }] of requests.entries()) resolve(placements[index] ?? []);
    if (grown.size > 0) onAppended(grown.keys());
  }

  #place(record: NewRecord, grown: Map<PartitionLog, NewRecord[]>): Placement {
    const log = this.#parts.logs.ofKey(record.topic, record.key);
    let records = grown.get(log);
    if (records === undefined) {
      records = [];
      grown.set(log, records);
    }
    const offset = log.next + records.length;
    records.push(record);
    return { partition: log.partition, offset };
  }

  #write(log: PartitionLog, records: readonly NewRecord[]): void {
    const at = Math.floor(this.#parts.clock.now());
    let base = log.next;
    for (const batch of encodeBatches(records)) {
      this.#appendBatch.run(log.id, base, batch.count, at, batch.records);
      base += batch.count;
    }
    invariant(base === log.next + records.length, "every record of a commit is in one of its batches");
  }
}
