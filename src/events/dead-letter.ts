import { maxEventBytes } from "./cloud-event.ts";
import { topics } from "./topics.ts";

interface DeadRecord {
  topic: string;
  partition: number;
  offset: number;
  key: string;
  value: Uint8Array;
  headers: Readonly<Record<string, string>>;
  nulls?: { key?: true; value?: true; headers?: readonly string[] };
}

/** Characters of a reason that a header carries. */
const maxReasonLength = 1000;
const maxKeyLength = 1000;
/** Characters of a record's own headers, beyond which none is kept. */
const maxHeadersLength = 64 * 1024;

/** Where a dead letter tells of its record. What a record itself has under these names is no word of ours, and goes. */
const ownNames: ReadonlySet<string> = new Set([
  "fx-bytes",
  "fx-null",
  "fx-topic",
  "fx-partition",
  "fx-offset",
  "fx-reason",
]);

/**
 * A record for `Bus.publish` that keeps one that cannot be used, as it came, with its place and why (rule D12). Outside programs
 * may write more than the dead letters hold: of a value that is larger than an event's the beginning is kept. What was null is
 * empty here, and `fx-null` names it: `key`, `value` and `header:NAME`, percent-encoded, with commas between them.
 */
export function deadLetter({ topic, partition, offset, key, value, headers, nulls = {} }: DeadRecord, reason: string) {
  const kept = keptOf(headers);
  const empty = nullNames(nulls, kept);
  return {
    topic: topics.deadLetter,
    key: key.slice(0, maxKeyLength).toWellFormed(),
    value: value.subarray(0, maxEventBytes),
    headers: {
      ...kept,
      ...(value.length > maxEventBytes && { "fx-bytes": String(value.length) }),
      ...(empty.length > 0 && { "fx-null": empty.join(",") }),
      "fx-topic": topic,
      "fx-partition": String(partition),
      "fx-offset": String(offset),
      // Headers are Latin-1; a reason may hold anything.
      "fx-reason": encodeURIComponent(reason.slice(0, maxReasonLength).toWellFormed()),
    },
  };
}

function nullNames({ key, value, headers = [] }: NonNullable<DeadRecord["nulls"]>, kept: DeadRecord["headers"]) {
  return [
    ...(key ? ["key"] : []),
    ...(value ? ["value"] : []),
    ...headers.filter((name) => Object.hasOwn(kept, name)).map((name) => `header:${encodeURIComponent(name)}`),
  ];
}

function keptOf(headers: DeadRecord["headers"]): DeadRecord["headers"] {
  const entries = Object.entries(headers);
  const length = entries.reduce((sum, [name, text]) => sum + name.length + text.length, 0);
  return length > maxHeadersLength ? {} : Object.fromEntries(entries.filter(([name]) => !ownNames.has(name)));
}

/** What a dead letter tells of its record. */
export interface DeadLetter {
  /** Where it was read, and could not be used. */
  topic: string;
  partition: number;
  offset: number;
  reason: string;
  key: string;
  /** Of its own. */
  headers: Readonly<Record<string, string>>;
  /** The whole of it, or its beginning. */
  value: Uint8Array;
  /** Of the whole. */
  sizeBytes: number;
}

/** The other way. Undefined: it is none of ours, because anybody may write to a topic. */
export function readDeadLetter({
  key,
  value,
  headers,
}: Pick<DeadRecord, "key" | "value" | "headers">): DeadLetter | undefined {
  const { "fx-topic": topic, "fx-reason": reason } = headers;
  const [partition, offset] = [Number(headers["fx-partition"]), Number(headers["fx-offset"])];
  if (
    topic === undefined ||
    reason === undefined ||
    !Number.isSafeInteger(partition) ||
    !Number.isSafeInteger(offset)
  ) {
    return undefined;
  }
  const own = Object.entries(headers).filter(([name]) => !ownNames.has(name));
  return {
    ...{ topic, partition, offset, key, value },
    reason: decoded(reason),
    headers: Object.fromEntries(own),
    sizeBytes: Number(headers["fx-bytes"] ?? value.length),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
