import { PlatformError } from "../foundation/errors.ts";
import type { BusRecord, NewRecord } from "./bus.ts";

/**
 * The unit that is stored: records of one partition in one blob. Each is a frame of three sizes
 * (32 bits, big endian: the whole, the key, the headers), the key (UTF-8), the headers (JSON, empty
 * for none) and the value. A frame of size zero stands for a record that compaction removed, so
 * that the others keep their offsets.
 */
const frameHeadBytes = 12;
const sizeBytes = 4;

/** Limits of one blob; a larger record has one of its own. */
const maxBatchRecords = 1000;
const maxBatchBytes = 1024 * 1024;

export interface EncodedBatch {
  count: number;
  /** Alone in its buffer, so that it can be handed to another thread. */
  records: Uint8Array<ArrayBuffer>;
}

/** Encodes records in order, as many batches as the limits ask for. `undefined` stands for a removed one. */
export function* encodeBatches(records: readonly (NewRecord | undefined)[]): Generator<EncodedBatch> {
  const sizes = new Array<{ key: number; headers: Buffer; total: number } | undefined>(records.length);
  let previousHeaders: NewRecord["headers"];
  let headers: Buffer = encodeHeaders(undefined);
  let first = 0;
  let bytes = 0;
  for (const [index, record] of records.entries()) {
    let total = sizeBytes;
    if (record !== undefined) {
      // Senders mostly pass the same headers object with every record.
      if (record.headers !== previousHeaders) headers = encodeHeaders(record.headers);
      previousHeaders = record.headers;
      const key = Buffer.byteLength(record.key);
      total = frameHeadBytes + key + headers.length + record.value.length;
      sizes[index] = { key, headers, total };
    }
    if (index > first && (index - first === maxBatchRecords || bytes + total > maxBatchBytes)) {
      yield encode(records, sizes, first, index, bytes);
      first = index;
      bytes = 0;
    }
    bytes += total;
  }
  if (records.length > first) yield encode(records, sizes, first, records.length, bytes);
}

function encode(
  records: readonly (NewRecord | undefined)[],
  sizes: readonly ({ key: number; headers: Buffer; total: number } | undefined)[],
  from: number,
  to: number,
  bytes: number,
): EncodedBatch {
  const blob = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (let index = from; index < to; index += 1) {
    const record = records[index];
    const size = sizes[index];
    if (record === undefined || size === undefined) {
      at = blob.writeUInt32BE(0, at);
      continue;
    }
    at = blob.writeUInt32BE(size.total - sizeBytes, at);
    at = blob.writeUInt32BE(size.key, at);
    at = blob.writeUInt32BE(size.headers.length, at);
    at += blob.write(record.key, at);
    blob.set(size.headers, at);
    at += size.headers.length;
    blob.set(record.value, at);
    at += record.value.length;
  }
  return { count: to - from, records: blob };
}

const noHeaders = Buffer.alloc(0);

function encodeHeaders(headers: NewRecord["headers"]): Buffer {
  return headers === undefined ? noHeaders : Buffer.from(JSON.stringify(headers));
}

export interface StoredBatch {
  count: number;
  records: Uint8Array;
  topic: string;
  partition: number;
  /** Offset of the first record. */
  base: number;
  at: number;
}

/** Walks the records of a batch, decoding each only when it is asked for. Values share memory with the blob. */
export class BatchReader {
  readonly end: number;
  readonly #batch: StoredBatch;
  readonly #blob: Buffer;
  #offset: number;
  #position = 0;
  #headerBytes: Buffer = noHeaders;
  #headers: Readonly<Record<string, string>> = {};

  constructor(batch: StoredBatch) {
    this.#batch = batch;
    this.#blob = Buffer.from(batch.records.buffer, batch.records.byteOffset, batch.records.byteLength);
    this.#offset = batch.base;
    this.end = batch.base + batch.count;
  }

  /** Offset of the record that `next` looks at first. */
  get offset(): number {
    return this.#offset;
  }

  skipTo(offset: number): void {
    while (this.#offset < offset && this.#offset < this.end) this.#pass();
  }

  /** The next record that still exists; undefined past the last. */
  next(): BusRecord | undefined {
    while (this.#offset < this.end) {
      const offset = this.#offset;
      const start = this.#pass();
      if (start !== undefined) return this.#decode(offset, start);
    }
    return undefined;
  }

  /** Steps over one frame; answers where it began, unless its record was removed. */
  #pass(): number | undefined {
    const start = this.#position;
    if (start + sizeBytes > this.#blob.length) throw this.#damaged();
    const size = this.#blob.readUInt32BE(start);
    this.#position = start + sizeBytes + size;
    if (this.#position > this.#blob.length) throw this.#damaged();
    this.#offset += 1;
    return size === 0 ? undefined : start;
  }

  #decode(offset: number, start: number): BusRecord {
    const { topic, partition, at } = this.#batch;
    const blob = this.#blob;
    const keyAt = start + frameHeadBytes;
    const headersAt = keyAt + blob.readUInt32BE(start + sizeBytes);
    const valueAt = headersAt + blob.readUInt32BE(start + 2 * sizeBytes);
    if (valueAt > this.#position) throw this.#damaged();
    const key = blob.toString("utf8", keyAt, headersAt);
    const headers = this.#decodeHeaders(blob.subarray(headersAt, valueAt));
    return { topic, partition, offset, key, headers, at, value: blob.subarray(valueAt, this.#position) };
  }

  #decodeHeaders(bytes: Buffer): Readonly<Record<string, string>> {
    if (!bytes.equals(this.#headerBytes)) {
      this.#headerBytes = bytes;
      this.#headers = bytes.length === 0 ? {} : JSON.parse(bytes.toString("utf8"));
    }
    return this.#headers;
  }

  #damaged(): PlatformError {
    const { topic, partition, base } = this.#batch;
    return new PlatformError("corrupt", `the bus's batch at ${topic}/${partition}/${base} is damaged`);
  }
}
