import { maxEventBytes } from "./cloud-event.ts";
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
const maxKeyLength = 1000;
/** Characters of a record's own headers, beyond which none is kept. */
const maxHeadersLength = 64 * 1024;

/**
 * A record for `Bus.publish` that keeps one that cannot be used, as it came, with its place and why (rule D12). Outside programs
 * may write more than the dead letters hold: of a value that is larger than an event's the beginning is kept.
 */
export function deadLetter({ topic, partition, offset, key, value, headers }: DeadRecord, reason: string) {
  return {
    topic: topics.deadLetter,
    key: key.slice(0, maxKeyLength).toWellFormed(),
    value: value.subarray(0, maxEventBytes),
    headers: {
      ...(lengthOf(headers) <= maxHeadersLength && headers),
      ...(value.length > maxEventBytes && { "fx-bytes": String(value.length) }),
      "fx-topic": topic,
      "fx-partition": String(partition),
      "fx-offset": String(offset),
      // Headers are Latin-1; a reason may hold anything.
      "fx-reason": encodeURIComponent(reason.slice(0, maxReasonLength).toWellFormed()),
    },
  };
}

function lengthOf(headers: Readonly<Record<string, string>>): number {
  return Object.entries(headers).reduce((sum, [name, text]) => sum + name.length + text.length, 0);
}
