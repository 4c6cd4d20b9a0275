import type { Admin, Consumer } from "@platformatic/kafka";
import { type Clock, sleep } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { Log } from "../../foundation/log.ts";
import type { BusRecord, GroupPosition, PassedOffsets, SubscribeOptions } from "../bus.ts";
import { translateKafkaError } from "./errors.ts";
import type { KafkaTopics } from "./kafka-topics.ts";
import { boundsOf } from "./offsets.ts";
import { OffsetOutOfRange, type PartitionReader, type PlaceToRead } from "./partition-reader.ts";

/** A broker keeps a question for so long until there is something to answer. */
const waitMs = 1000;
/** A broker that failed is asked again after this, and who leads is learned anew. */
const pauseMs = 100;
/** Records of one partition that are read ahead; beyond it the partition is not asked for more. */
const maxAhead = 5000;

export interface GroupReadingParts {
  consumer: Consumer;
  reader: PartitionReader;
  topics: KafkaTopics;
  admin: Admin;
  options: SubscribeOptions;
  clock: Clock;
  log: Log;
}

interface Partition {
  topic: string;
  partition: number;
  /** The next offset to ask for; undefined: to be learned. */
  next: number | undefined;
  /** Read and not taken yet. */
  ahead: BusRecord[];
  /** The next offset after what was taken. Between it and the next record lies what holds none: marks of transactions, and what they gave up. */
  taken: number;
  committed: number | undefined;
}

/** What one member reads of the partitions that its group has dealt to it. */
export class GroupReading {
  readonly #parts: GroupReadingParts;
  readonly #closing = new AbortController();
  /** By topic, as the cluster names it, and partition. */
  #partitions = new Map<string, Partition>();
  /** Brokers that hold a question of ours. */
  readonly #asked = new Map<number, Promise<void>>();
  #passed: PassedOffsets[] = [];
  #failure: unknown;
  #news = Promise.withResolvers<void>();
  #turn = 0;

  constructor(parts: GroupReadingParts) {
    this.#parts = parts;
  }

  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** The group has dealt anew. A partition that stays goes on; one that comes begins where the group committed. */
  dealt(places: readonly { topic: string; partition: number }[]): void {
    const before = this.#partitions;
    this.#partitions = new Map(
      places.map(({ topic, partition }) => {
        const key = keyOf(topic, partition);
        return [
          key,
          before.get(key) ?? { topic, partition, next: undefined, ahead: [], taken: 0, committed: undefined },
        ];
      }),
    );
    this.#tell();
  }

  /** Resolves when it is known where to begin. */
  async ready(): Promise<void> {
    const unknown = [...this.#partitions.values()].filter(({ next }) => next === undefined);
    if (unknown.length === 0) return;
    const { consumer, options } = this.#parts;
    const byTopic = Map.groupBy(unknown, ({ topic }) => topic);
    const asked = [...byTopic].map(([topic, ofTopic]) => ({
      topic,
      partitions: ofTopic.map(({ partition }) => partition),
    }));
    try {
      const committed = await consumer.listCommittedOffsets({ topics: asked });
      const bounds = new Map<string, Awaited<ReturnType<typeof boundsOf>>>();
      for (const { topic, partitions } of asked) bounds.set(topic, await boundsOf(this.#parts, topic, partitions));
      const resumed = await this.#resumed();
      for (const { topic, partitions } of asked) {
        for (const partition of partitions) {
          const own = this.#partitions.get(keyOf(topic, partition));
          // Dealt to another meanwhile, and perhaps to us again: then it is asked for anew.
          if (own === undefined || !unknown.includes(own)) continue;
          const stored = Number(committed.get(topic)?.[partition] ?? -1n);
          const { earliest = 0, next = 0 } = bounds.get(topic)?.get(partition) ?? {};
          const begin = stored < 0 ? (options.from === "earliest" ? earliest : next) : Math.max(stored, earliest);
          own.next = resumed.get(keyOf(topic, partition)) ?? begin;
          own.taken = own.next;
          own.committed = stored < 0 || own.next < stored ? undefined : stored;
        }
      }
    } catch (error) {
      throw translateKafkaError(error, `tell where the group ${options.group} stands`);
    }
  }

  async #resumed(): Promise<Map<string, number>> {
    const { options, topics } = this.#parts;
    const positions = (await options.resumeAt?.()) ?? [];
    return new Map(positions.map(({ topic, partition, offset }) => [keyOf(topics.there(topic), partition), offset]));
  }

  /** At most `limit` records of the partitions in turn; waits a while for the first, and answers none when there is none yet. */
  async take(limit: number, leaves: AbortSignal): Promise<BusRecord[]> {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    await this.ready();
    const records = this.#takeAhead(limit);
    if (records.length > 0) return records;
    await this.#ask();
    await this.#told(leaves);
    return leaves.aborted ? [] : this.#takeAhead(limit);
  }

  get hasPassed(): boolean {
    return this.#passed.length > 0;
  }

  takePassed(): PassedOffsets[] {
    return this.#passed.splice(0);
  }

  async commit(positions: readonly GroupPosition[]): Promise<void> {
    const { consumer, options, topics } = this.#parts;
    const offsets = [];
    for (const { topic, partition, offset } of positions) {
      if (!Number.isInteger(offset) || offset < 0) {
        throw new PlatformError("invalid-input", `position ${topic}/${partition}/${offset}: expected an offset from 0`);
      }
      // What was dealt to another is the other's to commit.
      const own = this.#partitions.get(keyOf(topics.there(topic), partition));
      if (own === undefined || offset <= (own.committed ?? -1)) continue;
      offsets.push({ topic: own.topic, partition, offset: BigInt(offset), leaderEpoch: -1 });
    }
    if (offsets.length === 0) return;
    try {
      await consumer.commit({ offsets });
    } catch (error) {
      throw translateKafkaError(error, `store where the group ${options.group} stands`);
    }
    for (const { topic, partition, offset } of offsets) {
      const own = this.#partitions.get(keyOf(topic, partition));
      if (own) own.committed = Math.max(own.committed ?? -1, Number(offset));
    }
  }

  /** Of a partition that another member has now, nothing is changed. */
  seek({ topic, partition, offset }: GroupPosition): void {
    const own = this.#partitions.get(keyOf(this.#parts.topics.there(topic), partition));
    if (own === undefined) return;
    // Who goes back commits what lies behind, too.
    if (own.committed !== undefined && offset < own.committed) own.committed = undefined;
    own.next = offset;
    own.taken = offset;
    own.ahead = [];
    this.#tell();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#tell();
    await this.#parts.reader.close();
    await Promise.all(this.#asked.values());
  }

  #takeAhead(limit: number): BusRecord[] {
    const ready = [...this.#partitions.values()].filter(({ ahead }) => ahead.length > 0);
    const records: BusRecord[] = [];
    this.#turn += 1;
    for (let index = 0; index < ready.length; index += 1) {
      const own = ready[(this.#turn + index) % ready.length] as Partition;
      const share = Math.ceil((limit - records.length) / (ready.length - index));
      for (const record of own.ahead.splice(0, share)) {
        if (record.offset > own.taken) record.passed = record.offset - own.taken;
        own.taken = Math.max(own.taken, record.offset + 1);
        records.push(record);
      }
    }
    for (const own of this.#partitions.values()) this.#passEnd(own);
    return records;
  }

  #passEnd(own: Partition): void {
    const { topic, partition, next, taken, ahead } = own;
    if (next === undefined || ahead.length > 0 || next <= taken) return;
    const name = topic.slice(this.#parts.topics.there("").length);
    this.#passed.push({ topic: name, partition, offset: next, passed: next - taken });
    own.taken = next;
  }

  /** Asks each broker that holds no question of ours for what is missing of the partitions it leads. */
  async #ask(): Promise<void> {
    const wanting = [...this.#partitions.values()].flatMap(({ topic, partition, next, ahead }) =>
      next === undefined || ahead.length >= maxAhead ? [] : [{ topic, partition, offset: next }],
    );
    if (wanting.length === 0) return;
    for (const [leader, places] of await this.#parts.reader.byLeader(wanting)) {
      if (this.#asked.has(leader)) continue;
      const asking = this.#read(leader, places).finally(() => {
        this.#asked.delete(leader);
        this.#tell();
      });
      this.#asked.set(leader, asking);
    }
  }

  async #read(leader: number, places: readonly PlaceToRead[]): Promise<void> {
    const { reader, clock } = this.#parts;
    try {
      const { records, next } = await reader.read(leader, places, waitMs);
      const from = new Map(places.map((place) => [keyOf(place.topic, place.partition), place.offset]));
      const taking = next.flatMap(({ topic, partition, offset }) => {
        const own = this.#partitions.get(keyOf(topic, partition));
        // Dealt to another, or moved, while the broker was asked.
        return own && own.next === from.get(keyOf(topic, partition)) ? [{ own, offset }] : [];
      });
      const byPlace = Map.groupBy(records, (record) => keyOf(this.#parts.topics.there(record.topic), record.partition));
      for (const { own, offset } of taking) {
        own.next = offset;
        own.ahead.push(...(byPlace.get(keyOf(own.topic, own.partition)) ?? []));
      }
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      if (error instanceof OffsetOutOfRange) return this.#returnToBounds(places);
      this.#failure ??= error;
      await sleep(clock, pauseMs, this.#closing.signal);
      await reader.byLeader(places, true).catch(() => {});
    }
  }

  /** Records went before they were read, or the cluster lost some: the partition goes on at its earliest. */
  async #returnToBounds(places: readonly PlaceToRead[]): Promise<void> {
    const { log } = this.#parts;
    for (const { topic, partition, offset } of places) {
      if (this.#closing.signal.aborted) return;
      try {
        const { earliest, next } = (await boundsOf(this.#parts, topic, [partition])).get(partition) ?? {};
        const own = this.#partitions.get(keyOf(topic, partition));
        if (earliest === undefined || next === undefined || own?.next !== offset) continue;
        if (offset >= earliest && offset <= next) continue;
        log.warn({ topic, partition, offset, earliest, next }, "the place to read is gone, starts at the earliest");
        own.next = earliest;
        // What went is no gap of the log.
        own.taken = earliest;
        own.committed = undefined;
      } catch (error) {
        this.#failure ??= error;
      }
    }
  }

  /** Resolves at the next deal, answer or abort. */
  async #told(leaves: AbortSignal): Promise<void> {
    if (leaves.aborted || this.#failure !== undefined) return;
    if (this.#asked.size === 0) {
      // Nothing is dealt to it, or nobody leads what is: it looks again by itself.
      await Promise.race([this.#news.promise, sleep(this.#parts.clock, pauseMs, leaves)]);
      return;
    }
    const tell = () => this.#tell();
    leaves.addEventListener("abort", tell, { once: true });
    await this.#news.promise;
    leaves.removeEventListener("abort", tell);
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
