import type { BusRecord, GroupPosition } from "./bus.ts";
import type { SqliteBatchSource } from "./sqlite-batch-source.ts";
import { PartitionCursor } from "./sqlite-batch-source.ts";
import type { PartitionLog } from "./sqlite-partition-logs.ts";

/** Bytes of values that one read answers, unless a single record is larger. */
const maxReadBytes = 8 * 1024 * 1024;

/** One reader of a group, as its group sees it. */
export interface Member {
  readonly topics: readonly string[];
  /** Called when there may be more to read. */
  wake(): void;
  /** A partition is the member's from now on. */
  dealt(log: PartitionLog): void;
  /** A partition is the member's no more. */
  taken(log: PartitionLog): void;
}

/** Stored positions of all groups: the next offset to read, by group and partition. */
export type CommittedPositions = Map<string, number>;

export function positionKey(group: string, topic: string, partition: number): string {
  return JSON.stringify([group, topic, partition]);
}

/**
 * The members of one consumer group in this process. Each partition belongs to one member; when
 * members come or go the partitions are dealt anew, in order of joining, and one that changes
 * hands is read again from its stored position.
 */
export class ConsumerGroup {
  readonly name: string;
  readonly #committed: CommittedPositions;
  readonly #source: SqliteBatchSource;
  readonly #logsOf: (topic: string) => readonly PartitionLog[];
  readonly #members: Member[] = [];
  readonly #partitions = new Map<PartitionLog, { cursor: PartitionCursor; start: number; owner: Member | undefined }>();
  #turn = 0;

  constructor(
    name: string,
    committed: CommittedPositions,
    source: SqliteBatchSource,
    logsOf: (topic: string) => readonly PartitionLog[],
  ) {
    this.name = name;
    this.#committed = committed;
    this.#source = source;
    this.#logsOf = logsOf;
  }

  get isEmpty(): boolean {
    return this.#members.length === 0;
  }

  join(member: Member, from: "earliest" | "latest"): void {
    for (const log of member.topics.flatMap((topic) => this.#logsOf(topic))) {
      if (this.#partitions.has(log)) continue;
      // Kept for as long as the group lives: who takes the partition over must not begin later than the first.
      const start = from === "earliest" ? 0 : log.next;
      this.#partitions.set(log, { cursor: new PartitionCursor(this.#source, log, start), start, owner: undefined });
    }
    this.#members.push(member);
    this.#deal();
  }

  leave(member: Member): void {
    const index = this.#members.indexOf(member);
    if (index < 0) return;
    this.#members.splice(index, 1);
    this.#deal();
  }

  /** At most `maxRecords` of the member's partitions, each partition getting its turn. */
  read(member: Member, maxRecords: number): BusRecord[] {
    const own = [...this.#partitions.values()].filter(({ owner }) => owner === member).map(({ cursor }) => cursor);
    const records: BusRecord[] = [];
    this.#turn += 1;
    let bytesLeft = maxReadBytes;
    for (;;) {
      const ready = own.filter((cursor) => cursor.hasMore);
      if (ready.length === 0) return records;
      for (let index = 0; index < ready.length; index += 1) {
        const cursor = ready[(this.#turn + index) % ready.length] as PartitionCursor;
        const others = ready.length - index;
        const share = Math.ceil((maxRecords - records.length) / others);
        bytesLeft -= cursor.read(records, share, Math.ceil(bytesLeft / others));
        if (records.length >= maxRecords || bytesLeft <= 0) return records;
      }
    }
  }

  wakeReaders(topics: ReadonlySet<string>): void {
    for (const member of this.#members) {
      if (member.topics.some((topic) => topics.has(topic))) member.wake();
    }
  }

  /** Members live in one process, so that a seek moves the partition whoever reads it now. */
  seek(log: PartitionLog, offset: number): void {
    const reading = this.#partitions.get(log);
    reading?.cursor.seek(offset);
    reading?.owner?.wake();
  }

  noteCommitted(positions: readonly GroupPosition[]): void {
    for (const { topic, partition, offset } of positions) {
      const key = positionKey(this.name, topic, partition);
      this.#committed.set(key, Math.max(offset, this.#committed.get(key) ?? 0));
    }
  }

  #deal(): void {
    for (const [log, reading] of this.#partitions) {
      const readers = this.#members.filter(({ topics }) => topics.includes(log.topic));
      const owner = readers[log.partition % Math.max(readers.length, 1)];
      if (owner === reading.owner) continue;
      reading.owner?.taken(log);
      reading.owner = owner;
      reading.cursor.seek(this.#committed.get(positionKey(this.name, log.topic, log.partition)) ?? reading.start);
      owner?.dealt(log);
    }
    for (const member of this.#members) member.wake();
  }
}
