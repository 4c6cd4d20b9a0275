import type { DatabaseSync } from "node:sqlite";
import { type Clock, systemClock } from "../foundation/clock.ts";
import { PlatformError } from "../foundation/errors.ts";
import type { Log } from "../foundation/log.ts";
import { migrateSqliteFile, openSqliteFile, takeDatabase, translateSqliteError } from "../foundation/sqlite-file.ts";
import { type Defer, endOfTurn } from "../foundation/turn.ts";
import type {
  Bus,
  BusRecord,
  GroupPosition,
  NewRecord,
  PartitionOffsets,
  Placement,
  SignalChannel,
  SubscribeOptions,
  Subscription,
} from "./bus.ts";
import type { CommitWriter } from "./commit-writer.ts";
import { type CommittedPositions, ConsumerGroup, positionKey } from "./consumer-group.ts";
import { compactedTopics, retentionOf } from "./retention.ts";
import { Signals } from "./signals.ts";
import { PartitionCursor, SqliteBatchSource } from "./sqlite-batch-source.ts";
import { SqliteCommitWriter } from "./sqlite-commit-writer.ts";
import { SqliteCommits } from "./sqlite-commits.ts";
import { type PartitionCounts, type PartitionLog, SqlitePartitionLogs } from "./sqlite-partition-logs.ts";
import { SqliteRetention } from "./sqlite-retention.ts";
import { busSchema, openSharedBusFile } from "./sqlite-schema.ts";
import { SqliteSubscription } from "./sqlite-subscription.ts";
import { WorkerCommitWriter } from "./worker-commit-writer.ts";

/** Largest record, in bytes of value and UTF-16 units of key. */
const maxRecordSize = 16 * 1024 * 1024;

export interface SqliteBusOptions {
  /** The file, or ":memory:". */
  path?: string;
  /** Instead of a path: a database that outlives this bus. Whoever held it before is shut out. */
  database?: DatabaseSync;
  clock: Clock;
  log: Log;
  /** 4 for new topics unless set. May grow between starts, never shrink. */
  partitions?: PartitionCounts;
  retentionMs?: Readonly<Record<string, number>>;
  /** How publishers are gathered into one commit. A virtual clock has no turns of an event loop to wait for. */
  defer?: Defer;
}

/**
 * A file's commits are written by a worker thread; those of memory and of a given database in this one. Throws
 * `invalid-input` for settings that the file contradicts, `unavailable` or `corrupt` when it cannot be used.
 */
export function openSqliteBus(options: SqliteBusOptions): SqliteBus {
  const { path = inMemory, log } = options;
  const isFile = options.database === undefined && path !== inMemory;
  let database: DatabaseSync | undefined;
  try {
    const opened = options.database ?? (isFile ? openSharedBusFile(path) : openSqliteFile(path));
    database = opened;
    // Called when the tables exist.
    const startWriter = () => (isFile ? new WorkerCommitWriter(path, log) : new SqliteCommitWriter(opened));
    return new SqliteBus(opened, startWriter, options);
  } catch (error) {
    if (options.database === undefined) database?.close();
    throw translate(error);
  }
}

const inMemory = ":memory:";

/**
 * The backbone in one file, for one process. Appends are grouped into synced transactions; readers
 * of this process are woken in memory; positions of groups lie in the same file.
 */
export class SqliteBus implements Bus {
  readonly #database: DatabaseSync;
  readonly #options: SqliteBusOptions;
  readonly #isOwner: () => boolean;
  readonly #defer: Defer;
  readonly #logs: SqlitePartitionLogs;
  readonly #source: SqliteBatchSource;
  readonly #writer: CommitWriter;
  readonly #commits: SqliteCommits;
  readonly #retention: SqliteRetention;
  readonly #groups = new Map<string, ConsumerGroup>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #committed: CommittedPositions;
  readonly #signals: Signals;
  #closed = false;

  constructor(database: DatabaseSync, startWriter: () => CommitWriter, options: SqliteBusOptions) {
    const { clock, log } = options;
    this.#database = database;
    this.#options = options;
    this.#isOwner = takeDatabase(database);
    this.#defer = options.defer ?? (clock === systemClock ? endOfTurn : queueMicrotask);
    migrateSqliteFile(database, busSchema, "the bus's");
    this.#logs = new SqlitePartitionLogs(database, options.partitions);
    this.#source = new SqliteBatchSource(database);
    this.#retention = new SqliteRetention(database);
    this.#committed = readPositions(database);
    this.#signals = new Signals(log);
    // Last of what may throw: nobody would end it.
    this.#writer = startWriter();
    this.#commits = new SqliteCommits({
      writer: this.#writer,
      logs: this.#logs,
      clock,
      defer: this.#defer,
      isOwner: this.#isOwner,
      translate,
      onAppended: (logs) => this.#wakeReaders(logs),
    });
  }

  async publish(records: readonly NewRecord[]): Promise<Placement[]> {
    this.#check();
    if (records.length === 0) return [];
    for (const { topic, key, value } of records) {
      if (value.length + key.length > maxRecordSize) {
        throw new PlatformError(
          "limit-exceeded",
          `a record for ${topic} has ${value.length} bytes and a key of ${key.length}: together at most ${maxRecordSize}`,
        );
      }
    }
    // Topics are made outside of the commit, which is one transaction already.
    for (const topic of new Set(records.map((record) => record.topic))) this.#partitionsOf(topic);
    return this.#commits.append(records);
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    this.#check();
    for (const topic of options.topics) this.#partitionsOf(topic);
    const group = this.#group(options.group);
    const subscription: SqliteSubscription = new SqliteSubscription({
      options,
      group,
      log: this.#options.log,
      find: (topic, partition) => this.#logs.known(topic)?.[partition],
      store: async (name, positions) => {
        this.#check();
        await this.#commits.store(name, positions);
      },
      isOpen: () => !this.#closed && this.#isOwner(),
      translate,
      onClosed: () => {
        this.#subscriptions.delete(subscription);
        if (group.isEmpty) this.#groups.delete(group.name);
      },
    });
    this.#subscriptions.add(subscription);
    try {
      await subscription.ready();
      return subscription;
    } catch (error) {
      await subscription.close();
      throw error;
    }
  }

  async offsets(topic: string): Promise<PartitionOffsets[]> {
    this.#check();
    return (this.#logs.known(topic) ?? []).map(({ partition, earliest, next }) => ({ partition, earliest, next }));
  }

  async committed(group: string, topic: string): Promise<GroupPosition[]> {
    this.#check();
    return (this.#logs.known(topic) ?? []).flatMap(({ partition }) => {
      const offset = this.#committed.get(positionKey(group, topic, partition));
      return offset === undefined ? [] : [{ topic, partition, offset }];
    });
  }

  async peek(topic: string, partition: number, offset: number, limit: number): Promise<BusRecord[]> {
    this.#check();
    const records: BusRecord[] = [];
    const log = this.#logs.known(topic)?.[partition];
    if (log === undefined) return records;
    try {
      new PartitionCursor(this.#source, log, offset).read(records, limit, Number.POSITIVE_INFINITY);
    } catch (error) {
      throw translate(error);
    }
    return records;
  }

  signal(channel: SignalChannel): void {
    this.#signals.raise(channel);
  }

  onSignal(channel: SignalChannel, listener: () => void): () => void {
    return this.#signals.listen(channel, listener);
  }

  async prune(readers: Readonly<Record<string, string>> = {}): Promise<number> {
    let pruned = 0;
    for (const log of this.#logs.all()) {
      const reader = readers[log.topic];
      for (;;) {
        // Between two commits, so that neither waits for the other's lock on the file.
        if (this.#commits.underWay !== undefined) await this.#commits.underWay;
        const deleted = this.#pruneSome(log, reader);
        if (deleted === 0) break;
        pruned += deleted;
        // Publishers and readers get their turn in between.
        await new Promise<void>((resolve) => this.#defer(resolve));
      }
    }
    return pruned;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#commits.idle();
    for (const subscription of [...this.#subscriptions]) await subscription.close();
    this.#signals.clear();
    await this.#writer.close();
    if (this.#options.database === undefined) this.#database.close();
  }

  #pruneSome(log: PartitionLog, reader: string | undefined): number {
    this.#check();
    const { clock, retentionMs } = this.#options;
    const kept = retentionOf(log.topic, retentionMs);
    try {
      if (compactedTopics.has(log.topic)) return this.#retention.compact(log);
      const unread =
        reader === undefined ? log.next : (this.#committed.get(positionKey(reader, log.topic, log.partition)) ?? 0);
      return this.#retention.deleteBefore(log, clock.now() - kept, unread);
    } catch (error) {
      throw translate(error);
    }
  }

  #partitionsOf(topic: string): readonly PartitionLog[] {
    try {
      return this.#logs.of(topic);
    } catch (error) {
      throw translate(error);
    }
  }

  #group(name: string): ConsumerGroup {
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const group = new ConsumerGroup(name, this.#committed, this.#source, (topic) => this.#logs.of(topic));
    this.#groups.set(name, group);
    return group;
  }

  #wakeReaders(grown: Iterable<PartitionLog>): void {
    const names = new Set([...grown].map(({ topic }) => topic));
    for (const group of this.#groups.values()) group.wakeReaders(names);
  }

  #check(): void {
    if (!this.#closed && this.#isOwner()) return;
    throw new PlatformError("unavailable", "the bus is closed, or its database was opened anew", { retryable: false });
  }
}

function readPositions(database: DatabaseSync): CommittedPositions {
  const rows = database.prepare("select consumer_group, topic, partition, offset from positions").all() as unknown as ({
    consumer_group: string;
  } & GroupPosition)[];
  return new Map(
    rows.map(({ consumer_group, topic, partition, offset }) => [positionKey(consumer_group, topic, partition), offset]),
  );
}

function translate(error: unknown): unknown {
  return translateSqliteError(error, "the bus's");
}
