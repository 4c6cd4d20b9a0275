import { type Admin, Producer } from "@platformatic/kafka";
import { type Clock, sleep } from "../../foundation/clock.ts";
import { messageOf } from "../../foundation/errors.ts";
import type { Log } from "../../foundation/log.ts";
import { pauseAfter } from "../../foundation/pause-after.ts";
import type { SignalChannel } from "../bus.ts";
import { Signals } from "../signals.ts";
import { clientOptions, type KafkaConnection } from "./connection.ts";
import type { KafkaTopics } from "./kafka-topics.ts";
import { boundsOf } from "./offsets.ts";
import { PartitionReader } from "./partition-reader.ts";

/** They are raised again and again, for one listener or none elsewhere; and each signal is an answer of the brokers to every process. */
const ownChannels: ReadonlySet<SignalChannel> = new Set(["routed", "outbox"]);
/** Signals to other processes are gathered for so long: each is worth one record, however often it is raised. */
const gatherMs = 5;
const waitMs = 5000;
const pause = { unitMs: 100, mostMs: 5000 };

export interface KafkaSignalsParts {
  connection: KafkaConnection;
  topics: KafkaTopics;
  admin: Admin;
  /** What tells this process's own signals from the others'. */
  self: string;
  clock: Clock;
  log: Log;
}

/**
 * Wake-ups in this process at once and, where others listen too, in all of them by a topic that each reads from its end. What is
 * raised while the brokers are away is lost, as a signal may be.
 */
export class KafkaSignals {
  readonly #parts: KafkaSignalsParts;
  readonly #local: Signals;
  readonly #closing = new AbortController();
  readonly #raised = new Set<SignalChannel>();
  readonly #producer: Producer;
  readonly #reader: PartitionReader;
  #sending: Promise<void> | undefined;
  #receiving: Promise<void> | undefined;

  constructor(parts: KafkaSignalsParts) {
    this.#parts = parts;
    this.#local = new Signals(parts.log);
    this.#producer = new Producer({ ...clientOptions(parts.connection), acks: 1, retries: 0 });
    this.#reader = new PartitionReader(parts.connection, (name) => name);
  }

  start(): void {
    this.#receiving ??= this.#receive();
  }

  raise(channel: SignalChannel): void {
    this.#local.raise(channel);
    if (ownChannels.has(channel)) return;
    this.#raised.add(channel);
    this.#sending ??= this.#send();
  }

  listen(channel: SignalChannel, listener: () => void): () => void {
    return this.#local.listen(channel, listener);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#local.clear();
    await Promise.all([this.#reader.close(), this.#sending]);
    await this.#producer.close(true).catch(() => {});
    await this.#receiving;
  }

  async #send(): Promise<void> {
    const { clock, self, topics, log } = this.#parts;
    await sleep(clock, gatherMs, this.#closing.signal);
    const channels = [...this.#raised];
    this.#raised.clear();
    try {
      const value = Buffer.from(JSON.stringify({ from: self, channels }));
      if (!this.#closing.signal.aborted) {
        await this.#producer.send({ messages: [{ topic: topics.signals, partition: 0, value }] });
      }
    } catch (error) {
      log.debug({ error: messageOf(error) }, "a signal was lost");
    }
    this.#sending = undefined;
    if (this.#raised.size > 0 && !this.#closing.signal.aborted) this.#sending = this.#send();
  }

  async #receive(): Promise<void> {
    const { clock, topics, log } = this.#parts;
    const { signal } = this.#closing;
    const place = { topic: topics.signals, partition: 0 };
    let offset: number | undefined;
    for (let failures = 0; !signal.aborted; ) {
      try {
        offset ??= (await boundsOf(this.#parts, place.topic, [0])).get(0)?.next ?? 0;
        const leader = await this.#reader.leaderOf({ ...place, offset }, failures > 0);
        const { records, next } = await this.#reader.read(leader, [{ ...place, offset }], waitMs);
        offset = next[0]?.offset ?? offset;
        for (const channel of new Set(records.flatMap(({ value }) => this.#othersOf(value))))
          this.#local.raise(channel);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        // Retention took the place, or the brokers are away: what was raised meanwhile is not asked for.
        offset = undefined;
        if (failures === 0) log.debug({ error: messageOf(error) }, "signals of other processes do not come");
        failures += 1;
        await sleep(clock, pauseAfter(failures, pause), signal);
      }
    }
  }

  /** Channels that another process raised. What is no signal of ours, and what has no channel, is nothing. */
  #othersOf(value: Uint8Array): SignalChannel[] {
    try {
      const { from, channels } = JSON.parse(Buffer.from(value).toString()) as {
        from: string;
        channels: SignalChannel[];
      };
      return from === this.#parts.self ? [] : channels;
    } catch {
      return [];
    }
  }
}
