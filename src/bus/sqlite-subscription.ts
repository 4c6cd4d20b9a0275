import { PlatformError } from "../foundation/errors.ts";
import type { Log } from "../foundation/log.ts";
import type { BusRecord, GroupPosition, SubscribeOptions, Subscription } from "./bus.ts";
import type { ConsumerGroup, Member } from "./consumer-group.ts";
import type { PartitionLog } from "./sqlite-partition-logs.ts";

export interface SqliteSubscriptionParts {
  options: SubscribeOptions;
  group: ConsumerGroup;
  log: Log;
  find(topic: string, partition: number): PartitionLog | undefined;
  store(group: string, positions: readonly GroupPosition[]): Promise<void>;
  isOpen(): boolean;
  translate(error: unknown): unknown;
  onClosed(): void;
}

export class SqliteSubscription implements Subscription, Member {
  readonly topics: readonly string[];
  readonly #parts: SqliteSubscriptionParts;
  #closed = false;
  /** Dealt to it and not asked about yet: nothing of them is read. */
  readonly #fresh = new Set<PartitionLog>();
  #waiting: PromiseWithResolvers<void> | undefined;

  constructor(parts: SqliteSubscriptionParts) {
    this.#parts = parts;
    this.topics = [...new Set(parts.options.topics)];
    parts.group.join(this, parts.options.from);
  }

  /** Resolves when each of its partitions is where it goes on. */
  async ready(): Promise<void> {
    const { resumeAt } = this.#parts.options;
    while (this.#fresh.size > 0) {
      const asked = [...this.#fresh];
      const positions = (await resumeAt?.()) ?? [];
      const known = new Map(
        positions.map((position) => [this.#parts.find(position.topic, position.partition), position]),
      );
      for (const log of asked) {
        const position = known.get(log);
        if (this.#fresh.delete(log) && position) this.seek(position);
      }
    }
  }

  async next(signal?: AbortSignal): Promise<BusRecord[] | undefined> {
    const { group, options, isOpen, translate } = this.#parts;
    for (;;) {
      if (this.#closed || !isOpen() || signal?.aborted) return undefined;
      if (this.#fresh.size > 0) {
        await this.ready();
        continue;
      }
      let records: BusRecord[];
      try {
        records = group.read(this, options.maxRecords);
      } catch (error) {
        throw translate(error);
      }
      if (records.length > 0) return records;
      await this.#woken(signal);
    }
  }

  wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  dealt(log: PartitionLog): void {
    this.#fresh.add(log);
  }

  taken(log: PartitionLog): void {
    this.#fresh.delete(log);
  }

  async commit(positions: readonly GroupPosition[]): Promise<void> {
    const { group, store, find } = this.#parts;
    for (const { topic, partition, offset } of positions) {
      const log = find(topic, partition);
      const wanted = log === undefined ? "a partition that exists" : `an offset from 0 to ${log.next}`;
      if (log !== undefined && Number.isInteger(offset) && offset >= 0 && offset <= log.next) continue;
      throw new PlatformError("invalid-input", `position ${topic}/${partition}/${offset}: expected ${wanted}`);
    }
    if (positions.length === 0) return;
    await store(group.name, positions);
    group.noteCommitted(positions);
  }

  seek(position: GroupPosition): void {
    const { group, find, log } = this.#parts;
    const partition = find(position.topic, position.partition);
    if (partition === undefined) {
      log.warn({ group: group.name, ...position }, "asked to continue a partition that does not exist");
      return;
    }
    if (position.offset > partition.next) {
      // The file is newer than the caller's memory of it. Waiting at its old place would skip what is published until then.
      log.warn(
        { group: group.name, ...position, next: partition.next },
        "asked to continue past the end, starts at the earliest",
      );
    }
    group.seek(partition, position.offset > partition.next ? partition.earliest : position.offset);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#parts.group.leave(this);
    this.#parts.onClosed();
    this.wake();
  }

  /** Resolves at the next wake-up or abort. */
  async #woken(signal: AbortSignal | undefined): Promise<void> {
    this.#waiting ??= Promise.withResolvers();
    const { promise } = this.#waiting;
    const aborted = () => this.wake();
    signal?.addEventListener("abort", aborted, { once: true });
    await promise;
    signal?.removeEventListener("abort", aborted);
  }
}
