import { Admin } from "@platformatic/kafka";
import type { Clock } from "../foundation/clock.ts";
import { PlatformError } from "../foundation/errors.ts";
import type { Log } from "../foundation/log.ts";
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
import { clientOptions, type KafkaConnection } from "./kafka/connection.ts";
import { KafkaSignals } from "./kafka/kafka-signals.ts";
import { KafkaTopics, type TopicOptions } from "./kafka/kafka-topics.ts";
import { boundsOf, committedOf, type OffsetsParts } from "./kafka/offsets.ts";
import { PartitionReader } from "./kafka/partition-reader.ts";
import { pruneTopic } from "./kafka/prune.ts";
import { KafkaPublisher } from "./kafka/publisher.ts";
import { KafkaSubscription } from "./kafka/subscription.ts";
import { onceSettled } from "./kafka/unsettled.ts";
import { retentionOf } from "./retention.ts";

export interface KafkaBusOptions {
  connection: KafkaConnection;
  /** Of topics that are not there yet. */
  topics: TopicOptions;
  /** How long records are kept, by topic. */
  retentionMs?: Readonly<Record<string, number>> | undefined;
  /** Tells this process from all others. */
  instance: string;
  clock: Clock;
  log: Log;
}

/** Opens the backbone on a cluster of Kafka 4, and makes its topics. Throws `unavailable` when no broker answers. */
export async function openKafkaBus(options: KafkaBusOptions): Promise<Bus> {
  const bus = new KafkaBus(options);
  try {
    await bus.open();
    return bus;
  } catch (error) {
    await bus.close();
    throw error;
  }
}

/**
 * A record is durable once all replicas that are in step have it (acks of all), of which there must be all but one. Its time is
 * when the broker stored it.
 */
class KafkaBus implements Bus {
  readonly #options: KafkaBusOptions;
  readonly #admin: Admin;
  readonly #offsets: OffsetsParts;
  readonly #topics: KafkaTopics;
  readonly #publisher: KafkaPublisher;
  readonly #signals: KafkaSignals;
  readonly #peeks: PartitionReader;
  /** Peeks go one after the other: a broker answers one question of a reader at a time. */
  #peeking: Promise<unknown> = Promise.resolve();
  readonly #subscriptions = new Set<Subscription>();
  #closed = false;

  constructor(options: KafkaBusOptions) {
    const { connection, clock, log, instance } = options;
    this.#options = options;
    this.#admin = new Admin(clientOptions(connection));
    this.#offsets = { admin: this.#admin, clock };
    this.#topics = new KafkaTopics(this.#admin, connection.prefix, clock);
    this.#publisher = new KafkaPublisher(connection, this.#topics, clock);
    this.#signals = new KafkaSignals({
      connection,
      topics: this.#topics,
      admin: this.#admin,
      self: instance,
      clock,
      log,
    });
    this.#peeks = new PartitionReader(connection, (name) => name.slice(connection.prefix.length));
  }

  async open(): Promise<void> {
    for (const difference of await this.#topics.ensure(this.#options.topics)) {
      const { topic, setting, has, needs, because } = difference;
      this.#options.log.warn(difference, `the topic ${topic} has ${setting} ${has} and needs ${needs}: ${because}`);
    }
    this.#signals.start();
  }

  async publish(records: readonly NewRecord[]): Promise<Placement[]> {
    this.#check();
    return this.#publisher.publish(records);
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    this.#check();
    const { connection, clock, log } = this.#options;
    const subscription = await KafkaSubscription.join({
      connection,
      topics: this.#topics,
      admin: this.#admin,
      options,
      clock,
      log,
      onClosed: (closed) => this.#subscriptions.delete(closed),
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async offsets(topic: string): Promise<PartitionOffsets[]> {
    this.#check();
    const count = (await this.#topics.partitionsOf(topic)) ?? 0;
    if (count === 0) return [];
    const partitions = Array.from({ length: count }, (_, partition) => partition);
    const bounds = await boundsOf(this.#offsets, this.#topics.there(topic), partitions);
    return partitions.map((partition) => ({ partition, ...(bounds.get(partition) ?? { earliest: 0, next: 0 }) }));
  }

  async committed(group: string, topic: string): Promise<GroupPosition[]> {
    this.#check();
    if (!(await this.#topics.partitionsOf(topic))) return [];
    const committed = await committedOf(this.#admin, this.#topics.group(group), this.#topics.there(topic));
    return [...committed].map(([partition, offset]) => ({ topic, partition, offset }));
  }

  async peek(topic: string, partition: number, offset: number, limit: number): Promise<BusRecord[]> {
    this.#check();
    const peeking = this.#peeking.then(() => this.#peek(topic, partition, offset, limit));
    this.#peeking = peeking.catch(() => {});
    return peeking;
  }

  signal(channel: SignalChannel): void {
    this.#signals.raise(channel);
  }

  onSignal(channel: SignalChannel, listener: () => void): () => void {
    return this.#signals.listen(channel, listener);
  }

  async prune(readers: Readonly<Record<string, string>> = {}): Promise<number> {
    this.#check();
    const { clock, retentionMs } = this.#options;
    let pruned = 0;
    for (const topic of this.#topics.aging) {
      const before = clock.now() - retentionOf(topic, retentionMs);
      pruned += await pruneTopic({ ...this.#offsets, topics: this.#topics }, topic, before, readers[topic]);
    }
    return pruned;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#publisher.close();
    for (const subscription of [...this.#subscriptions]) await subscription.close();
    await Promise.all([this.#signals.close(), this.#peeks.close()]);
    await this.#admin.close().catch(() => {});
  }

  async #peek(topic: string, partition: number, offset: number, limit: number): Promise<BusRecord[]> {
    const { clock } = this.#options;
    const name = this.#topics.there(topic);
    const count = (await this.#topics.partitionsOf(topic)) ?? 0;
    if (partition >= count) return [];
    const { earliest, next } = (await boundsOf(this.#offsets, name, [partition])).get(partition) ?? {
      earliest: 0,
      next: 0,
    };
    const records: BusRecord[] = [];
    for (let at = Math.max(offset, earliest); at < next && records.length < limit; ) {
      const place = { topic: name, partition, offset: at };
      const answer = await onceSettled(clock, async (again) =>
        this.#peeks.read(await this.#peeks.leaderOf(place, again), [place], 0),
      );
      records.push(...answer.records.slice(0, limit - records.length));
      const reached = answer.next[0]?.offset;
      if (reached === undefined || reached <= at) break;
      at = reached;
    }
    return records;
  }

  #check(): void {
    if (this.#closed) throw new PlatformError("unavailable", "the bus is closed", { retryable: false });
  }
}
