import { topics } from "./topics.ts";

interface DeadRecord {
  topic: string;
  partition: number;
  offset: number;
  key: string;
  value: Uint8Array;
  headers: Readonly<Record<string, string>>;
}

/** Characters of a reason that a header carries. */
const maxReasonLength = 1000;

/** A record for `Bus.publish` that keeps one that cannot be used, as it came, with its place and why (rule D12). */
export function deadLetter({ topic, partition, offset, key, value, headers }: DeadRecord, reason: string) {
  return {
    topic: topics.deadLetter,
    key,
    value,
    headers: {
      ...headers,
      "fx-topic": topic,
      "fx-partition": String(partition),
      "fx-offset": String(offset),
      // Headers are Latin-1; a reason may hold anything.
      "fx-reason": encodeURIComponent(reason.slice(0, maxReasonLength).toWellFormed()),
    },
  };
}
