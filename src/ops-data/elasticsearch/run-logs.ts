import type { Clock } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { LogQuery, LogRecord, RunLogs, StepRef } from "../ops-data.ts";
import { bulk, type Operation } from "./bulk.ts";
import type { Cluster } from "./cluster.ts";
import { bytesOf, lineDocument, lineId, type RecordDocument, recordDocument, recordId, recordOf } from "./documents.ts";
import { indexAt, recordsIndex } from "./indices.ts";
import { assemble } from "./line-assembler.ts";
import { type AttemptState, attemptKey, OpenLines, streamKey } from "./open-lines.ts";
import { pruneDocuments, pruneRecords } from "./prune.ts";

const pageSize = 1000;
/** Of records without their bytes. */
const sizesAtOnce = 10_000;

/** Records of output and logs as they came, and beside them the lines that searches find. */
export class ElasticsearchRunLogs implements RunLogs {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #openLines: OpenLines;

  constructor(cluster: Cluster, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#openLines = new OpenLines(cluster);
  }

  /** Where it throws, some may be stored: given again they change nothing. */
  async append(records: readonly LogRecord[]): Promise<void> {
    const operations = new Map<string, Operation>();
    const states: { last: LogRecord; state: AttemptState }[] = [];
    for (const attempt of byAttempt(records)) {
      const state = await this.#openLines.before(attempt);
      for (const record of attempt) this.#take(record, state, operations);
      states.push({ last: attempt.at(-1) as LogRecord, state });
    }
    await bulk(this.#cluster, this.#clock, [...operations.values()]);
    for (const { last, state } of states) this.#openLines.remember(last, state);
  }

  async logs({ executionId, after, limit }: LogQuery): Promise<LogRecord[]> {
    const found: LogRecord[] = [];
    let place: unknown[] = [after?.attempt ?? 0, after?.seq ?? 0];
    while (found.length < limit) {
      const size = Math.min(limit - found.length, pageSize);
      const { hits } = await this.#search<RecordDocument>(executionId, {
        size,
        query: { term: { "fx.execution": executionId } },
        sort: [{ "fx.attempt": "asc" }, { "fx.seq": "asc" }],
        search_after: place,
      });
      found.push(...hits.hits.map(({ _source }) => recordOf(_source)));
      if (hits.hits.length < size) break;
      place = hits.hits.at(-1)?.sort ?? [];
    }
    return found;
  }

  async output(step: StepRef, from: number, to: number): Promise<{ bytes: Uint8Array; sizeBytes: number }> {
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0)) {
      throw new PlatformError("invalid-input", `range [${from}, ${to}): expected whole numbers of bytes from 0`);
    }
    const { touched, start, sizeBytes } = await this.#recordsIn(step, from, to);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < touched.length; at += pageSize) {
      const { hits } = await this.#search<RecordDocument>(step.executionId, {
        size: pageSize,
        query: ofStep(step, { terms: { "fx.seq": touched.slice(at, at + pageSize) } }),
        sort: [{ "fx.seq": "asc" }],
        _source: ["bytes"],
      });
      pieces.push(...hits.hits.map(({ _source }) => bytesOf(_source)));
    }
    const whole = Buffer.concat(pieces);
    return { bytes: Uint8Array.from(whole.subarray(from - start, Math.max(from, to) - start)), sizeBytes };
  }

  async highestSeq(executionId: string, attempt: number): Promise<number> {
    const { aggregations } = await this.#search(executionId, {
      size: 0,
      query: { bool: { filter: [{ term: { "fx.execution": executionId } }, { term: { "fx.attempt": attempt } }] } },
      aggs: { highest: { max: { field: "fx.seq" } } },
    });
    return (aggregations?.highest as { value: number | null } | undefined)?.value ?? 0;
  }

  async prune(before: number): Promise<number> {
    // First, so that no search finds a line of a run that is gone.
    await pruneDocuments(this.#cluster, this.#clock, "lines", before);
    return pruneRecords(this.#cluster, this.#clock, before);
  }

  #take(record: LogRecord, state: AttemptState, operations: Map<string, Operation>): void {
    const { prefix } = this.#cluster;
    const key = streamKey(record);
    const { lines, open } = assemble(record, state.open.get(key));
    if (record.stream !== "log") state.open.set(key, open);
    state.seq = record.seq;
    const id = recordId(record);
    const document = recordDocument(record, open);
    operations.set(id, { kind: "create", index: recordsIndex(prefix, record.executionId), id, document });
    for (const line of lines) {
      const own = lineId(record, line);
      const index = indexAt(prefix, "lines", line.at);
      // The later record knows more of a line.
      const put = { kind: "put", index, id: own, version: record.seq, document: lineDocument(record, line) } as const;
      operations.set(own, put);
    }
  }

  /** Which records a range of the output touches, and where the first of them begins in it. */
  async #recordsIn(step: StepRef, from: number, to: number) {
    const touched: number[] = [];
    let start = 0;
    let sizeBytes = 0;
    for (let after: unknown[] | undefined; ; ) {
      const { hits } = await this.#search<Pick<RecordDocument, "fx.seq" | "fx.size">>(step.executionId, {
        size: sizesAtOnce,
        query: ofStep(step, { range: { "fx.size": { gt: 0 } } }),
        sort: [{ "fx.seq": "asc" }],
        _source: ["fx.seq", "fx.size"],
        ...(after && { search_after: after }),
      });
      for (const { _source } of hits.hits) {
        const end = sizeBytes + _source["fx.size"];
        if (end > from && sizeBytes < to) {
          if (touched.length === 0) start = sizeBytes;
          touched.push(_source["fx.seq"]);
        }
        sizeBytes = end;
      }
      if (hits.hits.length < sizesAtOnce) return { touched, start: touched.length === 0 ? from : start, sizeBytes };
      after = hits.hits.at(-1)?.sort;
    }
  }

  #search<Source>(executionId: string, body: object) {
    return this.#cluster.search<Source>([recordsIndex(this.#cluster.prefix, executionId)], body);
  }
}

function ofStep({ executionId, attempt, step }: StepRef, more: object): object {
  const terms = { "fx.execution": executionId, "fx.attempt": attempt, "fx.step": step };
  const filter = Object.entries(terms).map(([field, value]) => ({ term: { [field]: value } }));
  return { bool: { filter: [...filter, more] } };
}

/** Each attempt's records in order, each once: the one that was given first. */
function byAttempt(records: readonly LogRecord[]): LogRecord[][] {
  const attempts = new Map<string, Map<number, LogRecord>>();
  for (const record of records) {
    const key = attemptKey(record);
    const own = attempts.get(key) ?? new Map<number, LogRecord>();
    if (!own.has(record.seq)) own.set(record.seq, record);
    attempts.set(key, own);
  }
  return [...attempts.values()].map((own) => [...own.values()].sort((left, right) => left.seq - right.seq));
}
