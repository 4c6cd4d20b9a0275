import { Producer } from "@platformatic/kafka";
import type { Clock } from "../../foundation/clock.ts";
import { isPlatformError } from "../../foundation/errors.ts";
import { GroupCommit } from "../../foundation/group-commit.ts";
import { endOfTurn } from "../../foundation/turn.ts";
import type { NewRecord, Placement } from "../bus.ts";
import type { KafkaConnection } from "./connection.ts";
import { clientOptions } from "./connection.ts";
import { translateKafkaError } from "./errors.ts";
import { type KafkaTopics, kafkaPartitionOf } from "./kafka-topics.ts";
import { onceSettled } from "./unsettled.ts";

/** Records of callers that are published together. */
const maxCallsTogether = 1000;
/** Bytes of one partition's batch, unless a single record is larger; the topic's limit is for a batch. */
const maxBatchBytes = 512 * 1024;
/** What a record has beside its key, value and headers, at most. */
const recordOverhead = 64;

type Outcome = { placements: Placement[] } | { error: unknown };

interface Addressed {
  topic: string;
  partition: number;
  key: Buffer;
  value: Buffer;
  headers: Record<string, Buffer>;
}

/**
 * An idempotent producer with acks of all replicas, one request at a time: records of a key keep their order, and a request that
 * the client repeats by itself is stored once.
 */
export class KafkaPublisher {
  readonly #connection: KafkaConnection;
  readonly #topics: KafkaTopics;
  readonly #commits: GroupCommit<readonly NewRecord[], Outcome>;
  readonly #clock: Clock;
  #producer: Producer | undefined;
  #isClosed = false;

  constructor(connection: KafkaConnection, topics: KafkaTopics, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
    this.#topics = topics;
    this.#commits = new GroupCommit((calls) => this.#publish(calls), maxCallsTogether, endOfTurn);
  }

  async publish(records: readonly NewRecord[]): Promise<Placement[]> {
    if (records.length === 0) return [];
    const outcome = await this.#commits.add(records);
    if ("error" in outcome) throw outcome.error;
    return outcome.placements;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#commits.idle();
    await this.#producer?.close(true);
  }

  async #publish(calls: (readonly NewRecord[])[]): Promise<Outcome[]> {
    try {
      const placements = await this.#append(calls.flat());
      return calls.map(({ length }) => ({ placements: placements.splice(0, length) }));
    } catch (error) {
      if (calls.length === 1 || (isPlatformError(error) && error.retryable)) throw error;
      // Whose records are refused for good, such as one past the topic's limit, takes no other caller along.
      const alone: Outcome[] = [];
      for (const call of calls) alone.push(await this.#publish([call]).then(([first]) => first as Outcome, refused));
      return alone;
    }
  }

  async #append(records: readonly NewRecord[]): Promise<Placement[]> {
    const placements: Placement[] = [];
    for (const batch of batchesOf(await this.#address(records))) placements.push(...(await this.#send(batch)));
    return placements;
  }

  async #address(records: readonly NewRecord[]): Promise<Addressed[]> {
    const counts = new Map<string, number>();
    for (const { topic } of records) {
      if (!counts.has(topic)) counts.set(topic, await this.#topics.requiredPartitionsOf(topic));
    }
    return records.map(({ topic, key, value, headers = {} }) => {
      const bytes = Buffer.from(key);
      return {
        topic: this.#topics.there(topic),
        partition: kafkaPartitionOf(bytes, counts.get(topic) as number),
        key: bytes,
        value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
        headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text, "latin1")])),
      };
    });
  }

  async #send(records: readonly Addressed[]): Promise<Placement[]> {
    const { compression = "none" } = this.#connection;
    this.#producer ??= new Producer({ ...clientOptions(this.#connection), compression, idempotent: true, acks: -1 });
    const producer = this.#producer;
    try {
      // Before the first record: brokers that have just begun have no numbers for producers yet.
      if (producer.producerId === undefined) {
        await onceSettled(this.#clock, () => producer.initIdempotentProducer({}));
      }
      const messages = records.map(({ headers, ...record }) => ({ ...record, headers: headersOf(headers) }));
      const { offsets = [] } = await producer.send({ messages });
      const next = new Map(offsets.map(({ topic, partition, offset }) => [`${topic}/${partition}`, Number(offset)]));
      return records.map(({ topic, partition }) => {
        const place = `${topic}/${partition}`;
        const offset = next.get(place) as number;
        next.set(place, offset + 1);
        return { partition, offset };
      });
    } catch (error) {
      // Nobody knows what of it was stored. A new producer has numbers of its own: those of this one may have a gap.
      this.#producer = undefined;
      await producer.close(true).catch(() => {});
      const what = this.#isClosed ? "publish while it was closed" : "publish";
      throw translateKafkaError(error, what);
    }
  }
}

function refused(error: unknown): Outcome {
  return { error };
}

function headersOf(headers: Record<string, Buffer>): Map<Buffer, Buffer> {
  return new Map(Object.entries(headers).map(([name, value]) => [Buffer.from(name, "latin1"), value]));
}

/** In order; of each partition no more bytes than a batch may have. */
function* batchesOf(records: readonly Addressed[]): Generator<Addressed[]> {
  let batch: Addressed[] = [];
  let bytes = new Map<string, number>();
  for (const record of records) {
    const place = `${record.topic}/${record.partition}`;
    const before = bytes.get(place) ?? 0;
    const size = sizeOf(record);
    if (before > 0 && before + size > maxBatchBytes) {
      yield batch;
      batch = [];
      bytes = new Map();
    }
    batch.push(record);
    bytes.set(place, (bytes.get(place) ?? 0) + size);
  }
  if (batch.length > 0) yield batch;
}

function sizeOf({ key, value, headers }: Addressed): number {
  let size = key.length + value.length + recordOverhead;
  for (const [name, text] of Object.entries(headers)) size += name.length + text.length;
  return size;
}
