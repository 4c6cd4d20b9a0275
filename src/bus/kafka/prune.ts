import { translateKafkaError } from "./errors.ts";
import type { KafkaTopics } from "./kafka-topics.ts";
import { boundsOf, committedOf, type OffsetsParts, offsetsAt } from "./offsets.ts";

export interface PruneParts extends OffsetsParts {
  topics: KafkaTopics;
}

/**
 * Deletes the records of a topic that are older than `before`, up to what `group` has committed: the brokers themselves would
 * delete by age alone. Answers how many offsets went.
 */
export async function pruneTopic(
  parts: PruneParts,
  topic: string,
  before: number,
  group: string | undefined,
): Promise<number> {
  const { admin, topics } = parts;
  const name = topics.there(topic);
  const count = (await topics.partitionsOf(topic)) ?? 0;
  const partitions = Array.from({ length: count }, (_, partition) => partition);
  if (count === 0) return 0;
  const bounds = await boundsOf(parts, name, partitions);
  const young = await offsetsAt(parts, name, partitions, BigInt(before));
  const read = group === undefined ? undefined : await committedOf(admin, topics.group(group), name);
  const ends = partitions.flatMap((partition) => {
    const { earliest, next } = bounds.get(partition) ?? { earliest: 0, next: 0 };
    const end = Math.min(young.get(partition) ?? next, read === undefined ? next : (read.get(partition) ?? 0));
    return end > earliest ? [{ partition, offset: BigInt(end), went: end - earliest }] : [];
  });
  if (ends.length === 0) return 0;
  try {
    await admin.deleteRecords({ topics: [{ name, partitions: ends.map(({ went: _, ...end }) => end) }] });
  } catch (error) {
    throw translateKafkaError(error, `delete records of ${name}`);
  }
  return ends.reduce((sum, { went }) => sum + went, 0);
}
