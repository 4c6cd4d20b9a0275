import { Consumer } from "@platformatic/kafka";
import type { BusRecord, RecordNulls } from "../bus.ts";
import { isStampedByBroker, withoutGivenUp } from "./batches.ts";
import { clientOptions, type KafkaConnection } from "./connection.ts";
import { isAnswer, translateKafkaError } from "./errors.ts";
import { WithoutLeader } from "./unsettled.ts";

/** Bytes that one answer of a broker brings of a partition, unless a single record is larger. */
const maxPartitionBytes = 2 * 1024 * 1024;
const maxAnswerBytes = 16 * 1024 * 1024;

export interface PlaceToRead {
  /** As the cluster names it. */
  topic: string;
  partition: number;
  /** The next offset to read. */
  offset: number;
}

/** What a broker answered: records in the order of their offsets, and where each partition goes on. */
export interface ReadAnswer {
  records: BusRecord[];
  /** Also past what holds no record for us: removed by compaction, or of a transaction that was given up. */
  next: PlaceToRead[];
}

type FetchResponse = Awaited<ReturnType<Consumer["fetch"]>>;

/** The place that was asked for is no more, or is not yet. */
export class OffsetOutOfRange extends Error {}

/** Reads partitions from their leaders, without a group. One read of a broker at a time. */
export class PartitionReader {
  readonly #consumer: Consumer;
  /** The name on this side of a topic. */
  readonly #nameOf: (topic: string) => string;

  constructor(connection: KafkaConnection, nameOf: (topic: string) => string) {
    // It never joins the group; the client wants a name for one.
    const options = { ...clientOptions(connection), groupId: `${connection.prefix}fx.readers`, isolationLevel: 1 };
    this.#consumer = new Consumer(options);
    this.#nameOf = nameOf;
  }

  /** The places by the broker that leads them. Partitions without a leader are left out: one is being chosen. */
  async byLeader(places: readonly PlaceToRead[], forceUpdate = false): Promise<Map<number, PlaceToRead[]>> {
    const topics = [...new Set(places.map(({ topic }) => topic))];
    this.#consumer.topics.trackAll(...topics);
    try {
      const metadata = await this.#consumer.metadata({ topics, forceUpdate });
      const led = new Map<number, PlaceToRead[]>();
      for (const place of places) {
        const leader = metadata.topics.get(place.topic)?.partitions[place.partition]?.leader ?? -1;
        if (leader >= 0) led.set(leader, [...(led.get(leader) ?? []), place]);
      }
      return led;
    } catch (error) {
      throw translateKafkaError(error, "tell who leads a partition");
    }
  }

  /** Throws `WithoutLeader` while one is being chosen. */
  async leaderOf(place: PlaceToRead, forceUpdate: boolean): Promise<number> {
    const [leader] = (await this.byLeader([place], forceUpdate)).keys();
    if (leader === undefined) throw new WithoutLeader(place.topic, place.partition);
    return leader;
  }

  /** Waits up to `waitMs` for a first record. Throws `OffsetOutOfRange` where one of the places is none. */
  async read(leader: number, places: readonly PlaceToRead[], waitMs: number): Promise<ReadAnswer> {
    try {
      const { topics: known } = await this.#consumer.metadata({
        topics: [...new Set(places.map(({ topic }) => topic))],
      });
      const names = new Map([...known].map(([name, { id }]) => [id, name]));
      const topics = [...Map.groupBy(places, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
        topicId: known.get(topic)?.id ?? "",
        partitions: ofTopic.map(({ partition, offset }) => ({
          partition,
          currentLeaderEpoch: -1,
          fetchOffset: BigInt(offset),
          lastFetchedEpoch: -1,
          partitionMaxBytes: maxPartitionBytes,
        })),
      }));
      const answer = await this.#consumer.fetch({
        node: leader,
        topics,
        maxWaitTime: waitMs,
        minBytes: waitMs === 0 ? 0 : 1,
        maxBytes: maxAnswerBytes,
        isolationLevel: 1,
      });
      return this.#recordsOf(answer, names, places);
    } catch (error) {
      if (isAnswer(error, "OFFSET_OUT_OF_RANGE")) throw new OffsetOutOfRange("", { cause: error });
      throw translateKafkaError(error, "be read");
    }
  }

  async close(): Promise<void> {
    await this.#consumer.close(true).catch(() => {});
  }

  #recordsOf(answer: FetchResponse, names: Map<string, string>, places: readonly PlaceToRead[]): ReadAnswer {
    const asked = new Map(places.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]));
    const records: BusRecord[] = [];
    const next: PlaceToRead[] = [];
    for (const { topicId, partitions } of answer.responses) {
      const topic = names.get(topicId) ?? topicId;
      for (const { partitionIndex: partition, records: batches, abortedTransactions } of partitions) {
        const from = asked.get(`${topic}/${partition}`);
        const last = batches?.at(-1);
        if (from === undefined || last === undefined) continue;
        next.push({ topic, partition, offset: Number(last.firstOffset) + last.lastOffsetDelta + 1 });
        for (const batch of withoutGivenUp(batches ?? [], abortedTransactions)) {
          for (const record of batch.records) {
            const offset = Number(batch.firstOffset) + record.offsetDelta;
            // A broker answers whole batches: what lies before the place was read already.
            if (offset < from) continue;
            const nulls = nullsOf(record);
            records.push({
              topic: this.#nameOf(topic),
              partition,
              offset,
              key: record.key?.toString() ?? "",
              value: record.value ?? new Uint8Array(),
              headers: headersOf(record.headers),
              ...(nulls && { nulls }),
              at: Number(isStampedByBroker(batch) ? batch.maxTimestamp : batch.firstTimestamp + record.timestampDelta),
            });
          }
        }
      }
    }
    return { records, next };
  }
}

type Header = [Buffer | null, Buffer | null];

/** Undefined for nearly every record: ours have none. */
function nullsOf(record: {
  key: Buffer | null;
  value: Buffer | null;
  headers: readonly Header[];
}): RecordNulls | undefined {
  const headers = record.headers.filter(([, value]) => value === null);
  if (record.key !== null && record.value !== null && headers.length === 0) return undefined;
  return {
    ...(record.key === null && { key: true }),
    ...(record.value === null && { value: true }),
    ...(headers.length > 0 && { headers: Object.keys(headersOf(headers)) }),
  };
}

function headersOf(headers: readonly Header[]): Record<string, string> {
  return Object.fromEntries(
    headers.map(([name, value]) => [name?.toString("latin1") ?? "", value?.toString("latin1") ?? ""]),
  );
}
