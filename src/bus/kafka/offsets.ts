import type { Admin } from "@platformatic/kafka";
import type { Clock } from "../../foundation/clock.ts";
import { translateKafkaError } from "./errors.ts";
import { onceSettled } from "./unsettled.ts";

export interface OffsetsParts {
  admin: Admin;
  clock: Clock;
}

/** Times that Kafka knows by a number: the first record there is, and the one that comes next. */
const first = -2n;
const end = -1n;

export interface Bounds {
  earliest: number;
  next: number;
}

/** First and next offset by partition; `topic` as the cluster names it. */
export async function boundsOf(
  parts: OffsetsParts,
  topic: string,
  partitions: readonly number[],
): Promise<Map<number, Bounds>> {
  const [earliest, next] = await Promise.all([
    offsetsAt(parts, topic, partitions, first),
    offsetsAt(parts, topic, partitions, end),
  ]);
  return new Map(
    partitions.map((partition) => [
      partition,
      { earliest: earliest.get(partition) ?? 0, next: next.get(partition) ?? 0 },
    ]),
  );
}

/** The first offset at or after a time, by partition; none where all records are older. */
export async function offsetsAt(
  { admin, clock }: OffsetsParts,
  topic: string,
  partitions: readonly number[],
  timestamp: bigint,
): Promise<Map<number, number>> {
  try {
    const asked = partitions.map((partitionIndex) => ({ partitionIndex, timestamp }));
    const [listed] = await onceSettled(clock, () =>
      admin.listOffsets({ topics: [{ name: topic, partitions: asked }] }),
    );
    const found = listed?.partitions ?? [];
    return new Map(
      found.flatMap(({ partitionIndex, offset }): [number, number][] =>
        offset < 0n ? [] : [[partitionIndex, Number(offset)]],
      ),
    );
  } catch (error) {
    throw translateKafkaError(error, `tell the offsets of ${topic}`);
  }
}

/** Where a group goes on, by the partitions in which it has committed; group and topic as the cluster names them. */
export async function committedOf(admin: Admin, group: string, topic: string): Promise<Map<number, number>> {
  try {
    const [listed] = await admin.listConsumerGroupOffsets({ groups: [group] });
    const found = listed?.topics.find(({ name }) => name === topic)?.partitions ?? [];
    return new Map(
      found.flatMap(({ partitionIndex, committedOffset }): [number, number][] =>
        committedOffset < 0n ? [] : [[partitionIndex, Number(committedOffset)]],
      ),
    );
  } catch (error) {
    throw translateKafkaError(error, `tell where the group ${group} stands`);
  }
}
