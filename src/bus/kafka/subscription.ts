import { type Admin, Consumer, type ConsumerGroupJoinPayload } from "@platformatic/kafka";
import { type Clock, sleep } from "../../foundation/clock.ts";
import { messageOf } from "../../foundation/errors.ts";
import type { Log } from "../../foundation/log.ts";
import type { BusRecord, GroupPosition, PassedOffsets, SubscribeOptions, Subscription } from "../bus.ts";
import { clientOptions, type KafkaConnection } from "./connection.ts";
import { translateKafkaError } from "./errors.ts";
import { GroupReading } from "./group-reading.ts";
import type { KafkaTopics } from "./kafka-topics.ts";
import { PartitionReader } from "./partition-reader.ts";
import { onceSettled } from "./unsettled.ts";

/** A member that says nothing for so long has its partitions dealt to the others. */
const sessionMs = 10_000;
const heartbeatMs = 2000;
const rebalanceMs = 20_000;
/** How long a start waits for a group that the brokers are not ready to lead. */
const joinMs = 30_000;

export interface KafkaSubscriptionParts {
  connection: KafkaConnection;
  topics: KafkaTopics;
  admin: Admin;
  options: SubscribeOptions;
  clock: Clock;
  log: Log;
  onClosed(subscription: Subscription): void;
}

/** One member of a consumer group: the group deals partitions, and what is read of them is `GroupReading`'s. */
export class KafkaSubscription implements Subscription {
  readonly #parts: KafkaSubscriptionParts;
  readonly #consumer: Consumer;
  readonly #reading: GroupReading;
  #closed = false;

  private constructor(parts: KafkaSubscriptionParts) {
    const { connection, topics, options } = parts;
    this.#parts = parts;
    this.#consumer = new Consumer({
      ...clientOptions(connection),
      groupId: topics.group(options.group),
      sessionTimeout: sessionMs,
      heartbeatInterval: heartbeatMs,
      rebalanceTimeout: rebalanceMs,
      // A join is answered when every member has joined.
      requestTimeout: rebalanceMs + 10_000,
      autocommit: false,
      // The client would join anew to repeat a commit, for partitions that are another's by then.
      retries: 0,
    });
    const names = new Map(options.topics.map((topic) => [topics.there(topic), topic]));
    const reader = new PartitionReader(connection, (name) => names.get(name) ?? name);
    this.#reading = new GroupReading({ ...parts, consumer: this.#consumer, reader });
    // It could not join anew after a deal: `next` does, and says what is wrong.
    this.#consumer.on("error", () => {});
    this.#consumer.on("consumer:group:join", ({ assignments = [] }: ConsumerGroupJoinPayload) => {
      this.#reading.dealt(
        assignments.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition }))),
      );
    });
  }

  /** Resolves once the group has dealt its partitions to the member. */
  static async join(parts: KafkaSubscriptionParts): Promise<KafkaSubscription> {
    const subscription = new KafkaSubscription(parts);
    try {
      await subscription.#join();
      await onceSettled(parts.clock, () => subscription.#reading.ready());
      return subscription;
    } catch (error) {
      await subscription.close();
      throw error;
    }
  }

  async next(signal?: AbortSignal): Promise<BusRecord[] | undefined> {
    const { options, clock } = this.#parts;
    const leaves = AbortSignal.any([...(signal ? [signal] : []), this.#reading.closed]);
    while (!leaves.aborted) {
      try {
        // After an outage that was longer than its session the member is one no more.
        if (!this.#consumer.isActive()) await this.#join();
        const records = await onceSettled(clock, () => this.#reading.take(options.maxRecords, leaves));
        if (records.length > 0 || this.#reading.hasPassed) return records;
      } catch (error) {
        if (!this.#reading.closed.aborted) throw error;
      }
    }
    return undefined;
  }

  passed(): readonly PassedOffsets[] {
    return this.#reading.takePassed();
  }

  async commit(positions: readonly GroupPosition[]): Promise<void> {
    await this.#reading.commit(positions);
  }

  seek(position: GroupPosition): void {
    this.#reading.seek(position);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#reading.close();
    try {
      await this.#leave();
    } catch (error) {
      // The group deals its partitions anew once the session is over.
      this.#parts.log.warn({ error: messageOf(error) }, "could not leave the consumer group");
    }
    await this.#consumer.close(true).catch(() => {});
    this.#parts.onClosed(this);
  }

  /** The client's promise is typed as none. */
  #leave(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#consumer.leaveGroup(true, (error) => (error ? reject(error) : resolve()));
    });
  }

  async #join(): Promise<void> {
    const { clock, options, topics } = this.#parts;
    const began = clock.monotonic();
    this.#consumer.topics.trackAll(...options.topics.map((topic) => topics.there(topic)));
    for (;;) {
      try {
        await this.#consumer.joinGroup({});
        return;
      } catch (error) {
        if (this.#closed || clock.monotonic() - began > joinMs) {
          throw translateKafkaError(error, `let us into the group ${topics.group(options.group)}`);
        }
        await sleep(clock, 250, this.#reading.closed);
      }
    }
  }
}
