import type { LogRecord } from "../ops-data.ts";
import type { Cluster } from "./cluster.ts";
import { bytesOf, type RecordDocument } from "./documents.ts";
import { recordsIndex } from "./indices.ts";
import type { OpenLine } from "./line-assembler.ts";

/** What is open in the streams of an attempt after its record `seq`; by step and stream. */
export interface AttemptState {
  seq: number;
  open: Map<string, OpenLine | undefined>;
}

/** Attempts that are remembered: those that write now. */
const maxAttempts = 10_000;
const recordsAtOnce = 200;

/**
 * What was open before a record. It is remembered of the records that this process stored, and read from the store of all others:
 * an attempt may go on at another process at any time.
 */
export class OpenLines {
  readonly #cluster: Cluster;
  readonly #attempts = new Map<string, AttemptState>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Before the first of some records of an attempt, in order; for each stream that they have. */
  async before(records: readonly LogRecord[]): Promise<AttemptState> {
    const [first] = records as [LogRecord];
    const known = this.#attempts.get(attemptKey(first));
    if (known?.seq === first.seq - 1) return { seq: known.seq, open: new Map(known.open) };
    const state: AttemptState = { seq: first.seq - 1, open: new Map() };
    if (first.seq === 1) return state;
    const streams = new Map(records.filter(({ stream }) => stream !== "log").map((own) => [streamKey(own), own]));
    for (const [key, record] of streams) state.open.set(key, await this.#read(record, first.seq));
    return state;
  }

  /** Once the records up to it are stored. */
  remember(record: LogRecord, state: AttemptState): void {
    const key = attemptKey(record);
    this.#attempts.delete(key);
    this.#attempts.set(key, state);
    for (const oldest of this.#attempts.keys()) {
      if (this.#attempts.size <= maxAttempts) break;
      this.#attempts.delete(oldest);
    }
  }

  /** The last record of a stream tells how much of it is open; the bytes are its own and those of records before it. */
  async #read({ executionId, attempt, step, stream }: LogRecord, beforeSeq: number): Promise<OpenLine | undefined> {
    const terms = { "fx.execution": executionId, "fx.attempt": attempt, "fx.step": step, "fx.stream": stream };
    const filter = Object.entries(terms).map(([field, value]) => ({ term: { [field]: value } }));
    const pieces: Uint8Array[] = [];
    let open: RecordDocument["open"];
    let sizeBytes = 0;
    for (let last = beforeSeq; ; ) {
      const { hits } = await this.#cluster.search<RecordDocument>([recordsIndex(this.#cluster.prefix, executionId)], {
        size: pieces.length === 0 ? 1 : recordsAtOnce,
        query: { bool: { filter: [...filter, { range: { "fx.seq": { lt: last } } }] } },
        sort: [{ "fx.seq": "desc" }],
        _source: ["bytes", "open", "fx.seq"],
      });
      const found = hits.hits.map(({ _source }) => _source);
      if (pieces.length === 0) open = found[0]?.open;
      if (open === undefined || found.length === 0) return undefined;
      for (const document of found) {
        const bytes = bytesOf(document);
        pieces.unshift(bytes);
        sizeBytes += bytes.length;
        last = document["fx.seq"];
        if (sizeBytes < open.size) continue;
        const { seq, index, at, size } = open;
        return { seq, index, at, bytes: Buffer.concat(pieces).subarray(sizeBytes - size) };
      }
    }
  }
}

export function attemptKey({ executionId, attempt }: LogRecord): string {
  return `${executionId}/${attempt}`;
}

export function streamKey({ step, stream }: LogRecord): string {
  return `${step}/${stream}`;
}
