import { invariant } from "../foundation/assert.ts";
import type { Clock } from "../foundation/clock.ts";
import { PlatformError } from "../foundation/errors.ts";
import type { Defer } from "../foundation/turn.ts";
import type { GroupPosition, NewRecord, Placement } from "./bus.ts";
import type { BatchRow, CommitOutcome, CommitRows, CommitWriter } from "./commit-writer.ts";
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
  writer: CommitWriter;
  logs: SqlitePartitionLogs;
  clock: Clock;
  defer: Defer;
  isOwner(): boolean;
  translate(error: unknown): unknown;
  /** Called after a commit with the partitions that grew. */
  onAppended(logs: Iterable<PartitionLog>): void;
}

/** What one transaction does for its callers. */
interface Commit {
  requests: readonly Request[];
  /** One entry per request. */
  placements: readonly Placement[][];
  grown: ReadonlyMap<PartitionLog, readonly NewRecord[]>;
}

/**
 * Group commit: appends and position stores that are asked for in one turn, or while a commit is
 * under way, become one synced transaction, so that n callers wait for one sync of the disk. A
 * caller's request is never split over two. When the transaction fails all of its callers are
 * rejected and nothing of it remains. One is written at a time, so that offsets have no gaps.
 */
export class SqliteCommits {
  readonly #parts: SqliteCommitsParts;
  #waiting: Request[] = [];
  #underWay: PromiseWithResolvers<void> | undefined;
  /** A commit's outcome is unknown, so that `next` of the logs may lie before the file's end. */
  #inDoubt = false;
  #idle: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(parts: SqliteCommitsParts) {
    this.#parts = parts;
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

  /** Resolves when the commit under way is answered, before the next is begun; undefined when there is none. */
  get underWay(): Promise<void> | undefined {
    return this.#underWay?.promise;
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
    const requests = this.#take();
    let commit: Commit;
    let rows: CommitRows;
    try {
      this.#settleDoubt();
      commit = this.#plan(requests);
      rows = this.#encode(commit);
    } catch (error) {
      this.#reject(requests, error);
      this.#goOn();
      return;
    }
    this.#underWay = Promise.withResolvers();
    this.#parts.writer.write(rows, (outcome) => {
      this.#finish(commit, outcome);
      this.#underWay?.resolve();
      this.#underWay = undefined;
      this.#goOn();
    });
  }

  #goOn(): void {
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

  #plan(requests: readonly Request[]): Commit {
    if (!this.#parts.isOwner())
      throw new PlatformError("unavailable", "the bus's database was opened anew", { retryable: false });
    const grown = new Map<PartitionLog, NewRecord[]>();
    const placements = requests.map(({ records }) => records.map((record) => this.#place(record, grown)));
    return { requests, placements, grown };
  }

  #finish({ requests, placements, grown }: Commit, outcome: CommitOutcome): void {
    if (outcome.kind === "durable") {
      for (const [log, records] of grown) log.next += records.length;
      for (const [index, { resolve }] of requests.entries()) resolve(placements[index] ?? []);
      if (grown.size > 0) this.#parts.onAppended(grown.keys());
      return;
    }
    this.#reject(requests, outcome.error);
    if (outcome.kind === "failed") return;
    this.#inDoubt = true;
    try {
      this.#settleDoubt();
    } catch {
      // The next commit asks the file again, and fails with the reason if it still cannot be read.
    }
  }

  /** Its writer has ended, so that what the file holds of the commit now is all there will ever be. */
  #settleDoubt(): void {
    if (!this.#inDoubt) return;
    const grown = this.#parts.logs.readEnds();
    this.#inDoubt = false;
    if (grown.length > 0) this.#parts.onAppended(grown);
  }

  #reject(requests: readonly Request[], error: unknown): void {
    const translated = this.#parts.translate(error);
    for (const { reject } of requests) reject(translated);
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

  #encode({ requests, grown }: Commit): CommitRows {
    const at = Math.floor(this.#parts.clock.now());
    const positions = requests.flatMap(({ group, positions }) => positions.map((position) => ({ ...position, group })));
    return { batches: [...grown].flatMap(([log, records]) => encodeLog(log, records, at)), positions };
  }
}

function encodeLog(log: PartitionLog, records: readonly NewRecord[], at: number): BatchRow[] {
  let base = log.next;
  const rows: BatchRow[] = [];
  for (const batch of encodeBatches(records)) {
    rows.push({ log: log.id, base, at, ...batch });
    base += batch.count;
  }
  invariant(base === log.next + records.length, "every record of a commit is in one of its batches");
  return rows;
}
