import type { DatabaseSync, StatementSync } from "node:sqlite";
import { PlatformError } from "../foundation/errors.ts";
import { inTransaction } from "../foundation/sqlite-file.ts";
import { partitionOf } from "./partition-of.ts";

/** One partition of one topic. [earliest, next) are the offsets that can be read, as last committed. */
export interface PartitionLog {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
  earliest: number;
  next: number;
}

/** How many partitions: of every topic, or by topic with `default` for the others. */
export type PartitionCounts = number | Readonly<Record<string, number>>;

const defaultPartitions = 4;

/** The partitions of every topic, known in memory and made in the file when a topic is first named. */
export class SqlitePartitionLogs {
  readonly #database: DatabaseSync;
  readonly #counts: PartitionCounts | undefined;
  readonly #topics = new Map<string, PartitionLog[]>();
  readonly #insert: StatementSync;
  readonly #storedEnd: StatementSync;

  constructor(database: DatabaseSync, counts: PartitionCounts | undefined) {
    this.#database = database;
    this.#counts = counts;
    this.#insert = database.prepare("insert into logs (topic, partition) values (?, ?) returning id");
    this.#storedEnd = database.prepare(
      `select coalesce((select base + count from batches where log = id order by base desc limit 1), next) as next
       from logs where id = ?`,
    );
    this.#load();
    for (const [topic, logs] of this.#topics) this.#grow(topic, logs);
  }

  /** Undefined when nothing was ever published to the topic and nobody subscribed to it. */
  known(topic: string): readonly PartitionLog[] | undefined {
    return this.#topics.get(topic);
  }

  all(): PartitionLog[] {
    return [...this.#topics.values()].flat();
  }

  topics(): string[] {
    return [...this.#topics.keys()];
  }

  /** Makes the topic when it is new. */
  of(topic: string): readonly PartitionLog[] {
    const logs = this.#topics.get(topic);
    if (logs !== undefined) return logs;
    const made = this.#make(topic, 0, this.#wanted(topic) ?? defaultPartitions);
    this.#topics.set(topic, made);
    return made;
  }

  ofKey(topic: string, key: string): PartitionLog {
    const logs = this.of(topic);
    return logs[partitionOf(key, logs.length)] as PartitionLog;
  }

  /** Takes the ends from the file, after a commit of which nobody knows how it went; answers what grew. */
  readEnds(): PartitionLog[] {
    const ends = this.all().map((log) => ({ log, ...(this.#storedEnd.get(log.id) as { next: number }) }));
    const grown = ends.filter(({ log, next }) => next > log.next);
    for (const { log, next } of grown) log.next = next;
    return grown.map(({ log }) => log);
  }

  #load(): void {
    const rows = this.#database
      .prepare(
        `select id, topic, partition,
           coalesce((select base from batches where log = id order by base limit 1), next) as earliest,
           coalesce((select base + count from batches where log = id order by base desc limit 1), next) as next
         from logs order by topic, partition`,
      )
      .all() as unknown as PartitionLog[];
    for (const row of rows) {
      const logs = this.#topics.get(row.topic) ?? [];
      this.#topics.set(row.topic, logs);
      logs.push({ ...row });
    }
  }

  /** A later, larger setting adds partitions; keys move, so that their order holds for new records only. */
  #grow(topic: string, logs: PartitionLog[]): void {
    const wanted = this.#wanted(topic) ?? logs.length;
    if (wanted < logs.length) {
      throw new PlatformError(
        "invalid-input",
        `the topic ${topic} has ${logs.length} partitions, and ${wanted} are set: partitions can be added, not removed; set at least ${logs.length}`,
      );
    }
    if (wanted > logs.length) logs.push(...this.#make(topic, logs.length, wanted));
  }

  #make(topic: string, from: number, to: number): PartitionLog[] {
    return inTransaction(this.#database, () =>
      Array.from({ length: to - from }, (_, index) => {
        const partition = from + index;
        const { id } = this.#insert.get(topic, partition) as { id: number };
        return { id, topic, partition, earliest: 0, next: 0 };
      }),
    );
  }

  #wanted(topic: string): number | undefined {
    const counts = this.#counts;
    const wanted = typeof counts === "object" ? (counts[topic] ?? counts.default) : counts;
    if (wanted !== undefined && !(Number.isInteger(wanted) && wanted >= 1)) {
      throw new PlatformError(
        "invalid-input",
        `partitions of ${topic}: expected a whole number from 1, found ${wanted}`,
      );
    }
    return wanted;
  }
}
