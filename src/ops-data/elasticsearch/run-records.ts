import { PlatformError } from "../../foundation/errors.ts";
import type { JsonObject } from "../../foundation/json.ts";
import type { LogQuery, LogRecord, StepRef } from "../ops-data.ts";
import type { Indices } from "./indices.ts";
import { type AssembledLine, assembleLines, lineDocument, type OpenLine } from "./line-assembly.ts";
import { dropEmptyDays, pruneDays } from "./prune.ts";
import type { Refresher } from "./refresher.ts";
import { compositeBuckets, deleteMatching, type Hit, search } from "./search-answers.ts";
import type { BulkItem, SearchServer } from "./search-server.ts";

/** Of a stream that goes on, its open line is remembered; of one that another process read meanwhile it is looked for. */
const maxRemembered = 10_000;
const pageSize = 1000;

interface RecordSource {
  fx: {
    at: number;
    execution: string;
    project: string;
    service: string;
    flow?: string;
    attempt: number;
    step: number;
    script: string;
    seq: number;
    stream: LogRecord["stream"];
    level?: string;
    size: number;
    bytes: string;
  };
}

/**
 * Records by execution, and the lines that are in them. Lines are written before the records that tell that they were: after a
 * crash in between both are written again, under the same ids.
 */
export class RunRecords {
  readonly #server: SearchServer;
  readonly #indices: Indices;
  readonly #refresher: Refresher;
  /** By attempt: the last record there was, and what each stream of each step left open. */
  readonly #open = new Map<string, { seq: number; lines: Map<string, OpenLine | undefined> }>();

  constructor(server: SearchServer, indices: Indices, refresher: Refresher) {
    this.#server = server;
    this.#indices = indices;
    this.#refresher = refresher;
  }

  async append(records: readonly LogRecord[]): Promise<void> {
    const fresh = await this.#unknownOf(records);
    if (fresh.length === 0) return;
    const lines: AssembledLine[] = [];
    for (const ofAttempt of Map.groupBy(fresh, attemptOf).values()) lines.push(...(await this.#assemble(ofAttempt)));
    const lineItems = newestOf(lines).map(
      (line): BulkItem => ({
        action: "index",
        index: this.#indices.of("lines", line.at),
        id: line.id,
        document: lineDocument(line),
        version: line.upTo,
      }),
    );
    await this.#server.bulk(lineItems);
    const recordItems = fresh.map(
      (record): BulkItem => ({
        action: "create",
        index: this.#indices.of("records", record.at),
        id: idOf(record),
        document: documentOf(record),
      }),
    );
    await this.#server.bulk(recordItems);
    await this.#refresher.refresh(new Set([...lineItems, ...recordItems].map(({ index }) => index)));
  }

  async logs({ executionId, after, limit }: LogQuery): Promise<LogRecord[]> {
    const found: LogRecord[] = [];
    let from = after;
    while (found.length < limit) {
      const size = Math.min(limit - found.length, pageSize);
      const hits = await this.#records(
        [{ term: { "fx.execution": executionId } }],
        [{ "fx.attempt": "asc" }, { "fx.seq": "asc" }],
        { size, ...(from && { search_after: [from.attempt, from.seq] }) },
      );
      found.push(...hits.map(recordOf));
      if (hits.length < size) break;
      from = found.at(-1);
    }
    return found;
  }

  async output(step: StepRef, from: number, to: number): Promise<{ bytes: Uint8Array; sizeBytes: number }> {
    if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0) {
      throw new PlatformError("invalid-input", `there are no bytes from ${from} to ${to} of an output`);
    }
    const pieces: Uint8Array[] = [];
    let at = 0;
    for (let after: number | undefined; ; ) {
      // First only how large they are: of a long output mostly a part is wanted.
      const hits = await this.#records(rawOutput(step), [{ "fx.seq": "asc" }], {
        size: pageSize,
        _source: ["fx.size", "fx.seq"],
        ...(after === undefined ? {} : { search_after: [after] }),
      });
      const wanted: number[] = [];
      const begin = at;
      for (const { _source: source } of hits) {
        if (at < to && at + source.fx.size > from) wanted.push(source.fx.seq);
        at += source.fx.size;
      }
      if (wanted.length > 0)
        pieces.push(...(await this.#pieces(step, wanted, from - startOf(hits, wanted, begin), to - from)));
      after = hits.at(-1)?._source.fx.seq;
      if (hits.length < pageSize) break;
    }
    const bytes = Buffer.concat(pieces).subarray(0, Math.max(0, to - from));
    return { bytes, sizeBytes: at };
  }

  async highestSeq(executionId: string, attempt: number): Promise<number> {
    const filter = [{ term: { "fx.execution": executionId } }, { term: { "fx.attempt": attempt } }];
    const body = { size: 0, query: { bool: { filter } }, aggs: { highest: { max: { field: "fx.seq" } } } };
    const { aggregations } = await search(this.#server, this.#indices.all("records"), body);
    return (aggregations?.highest as { value: number | null } | undefined)?.value ?? 0;
  }

  async prune(before: number): Promise<number> {
    const all = this.#indices.all("records");
    const old = { range: { "fx.at": { lt: before } } };
    let deleted = 0;
    const executions = [];
    const sources = [{ execution: { terms: { field: "fx.execution" } } }];
    for await (const { key } of compositeBuckets(this.#server, all, { query: old, sources })) {
      executions.push(String(key.execution));
    }
    for (let at = 0; at < executions.length; at += pageSize) {
      const some = executions.slice(at, at + pageSize);
      const query = { terms: { "fx.execution": some } };
      const aggs = { last: { max: { field: "fx.at" } } };
      const gone: string[] = [];
      type Bucket = { key: { execution: string }; doc_count: number; last: { value: number } };
      for await (const { key, last } of compositeBuckets<Bucket>(this.#server, all, { query, sources, aggs })) {
        if (last.value < before) gone.push(key.execution);
      }
      if (gone.length > 0) deleted += await deleteMatching(this.#server, all, { terms: { "fx.execution": gone } });
    }
    await dropEmptyDays(this.#server, this.#indices, "records", before);
    await pruneDays(this.#server, this.#indices, "lines", before);
    return deleted;
  }

  /** Those that are not stored, each once, in order. */
  async #unknownOf(records: readonly LogRecord[]): Promise<LogRecord[]> {
    const byId = new Map<string, LogRecord>();
    for (const record of records) if (!byId.has(idOf(record))) byId.set(idOf(record), record);
    const docs = [...byId].map(([id, record]) => ({ _index: this.#indices.of("records", record.at), _id: id }));
    for (let at = 0; at < docs.length; at += pageSize) {
      const body = { docs: docs.slice(at, at + pageSize) };
      type Found = { docs: { _id: string; found?: boolean }[] };
      const { answer } = await this.#server.ask<Found>("POST", "/_mget?_source=false", body);
      for (const { _id, found } of answer.docs) if (found) byId.delete(_id);
    }
    return [...byId.values()].sort((left, right) => left.attempt - right.attempt || left.seq - right.seq);
  }

  /** Of one attempt, in the order of seq. */
  async #assemble(records: readonly LogRecord[]): Promise<AssembledLine[]> {
    const [first] = records as [LogRecord, ...LogRecord[]];
    const attempt = attemptOf(first);
    const known = this.#open.get(attempt);
    const open = known?.seq === first.seq - 1 ? known.lines : new Map<string, OpenLine | undefined>();
    const isFirst = first.seq === 1;
    const lines: AssembledLine[] = [];
    for (const [stream, ofStream] of Map.groupBy(records, streamOf)) {
      const begun = open.has(stream) || isFirst ? open.get(stream) : await this.#lookUpOpen(ofStream[0] as LogRecord);
      const assembled = assembleLines(ofStream, begun);
      lines.push(...assembled.lines);
      open.set(stream, assembled.open);
    }
    this.#open.delete(attempt);
    this.#open.set(attempt, { seq: (records.at(-1) as LogRecord).seq, lines: open });
    const oldest = this.#open.keys().next().value;
    if (this.#open.size > maxRemembered && oldest !== undefined) this.#open.delete(oldest);
    return lines;
  }

  /** The line that the records before this one have left open: read back to the one in which the last line ended. */
  async #lookUpOpen(record: LogRecord): Promise<OpenLine | undefined> {
    if (record.stream === "log") return undefined;
    const { executionId, attempt, step, stream, seq } = record;
    const filter = [...rawOutput({ executionId, attempt, step }), { term: { "fx.stream": stream } }];
    const before: LogRecord[] = [];
    for (let below = seq; ; ) {
      const range = { range: { "fx.seq": { lt: below } } };
      const hits = await this.#records([...filter, range], [{ "fx.seq": "desc" }], { size: 50 });
      before.unshift(...hits.map(recordOf).reverse());
      const last = hits.at(-1)?._source.fx.seq;
      // Whole records from one in which a line ended: what follows is assembled as it was at first.
      if (last === undefined || before.some(({ bytes }, index) => index > 0 && bytes.includes(0x0a))) break;
      below = last;
    }
    return assembleLines(before, undefined).open;
  }

  async #records(filter: JsonObject[], sort: JsonObject[], more: JsonObject): Promise<Hit<RecordSource>[]> {
    const body = { query: { bool: { filter } }, sort, ...more };
    return (await search<RecordSource>(this.#server, this.#indices.all("records"), body)).hits.hits;
  }

  async #pieces(step: StepRef, seqs: number[], from: number, most: number): Promise<Uint8Array[]> {
    const hits = await this.#records([...rawOutput(step), { terms: { "fx.seq": seqs } }], [{ "fx.seq": "asc" }], {
      size: seqs.length,
    });
    const whole = Buffer.concat(hits.map(({ _source: { fx } }) => Buffer.from(fx.bytes, "base64")));
    return [whole.subarray(Math.max(0, from), Math.max(0, from) + most)];
  }
}

/** Where in the output the first of the wanted records begins. */
function startOf(hits: readonly Hit<RecordSource>[], wanted: readonly number[], begin: number): number {
  let at = begin;
  for (const { _source: source } of hits) {
    if (source.fx.seq === wanted[0]) return at;
    at += source.fx.size;
  }
  return at;
}

function rawOutput({ executionId, attempt, step }: StepRef): JsonObject[] {
  return [
    { term: { "fx.execution": executionId } },
    { term: { "fx.attempt": attempt } },
    { term: { "fx.step": step } },
    { terms: { "fx.stream": ["stdout", "stderr"] } },
  ];
}

/** Of a line that was assembled more than once in a batch the last is the longest. */
function newestOf(lines: readonly AssembledLine[]): AssembledLine[] {
  return [...new Map(lines.map((line) => [line.id, line])).values()];
}

function attemptOf({ executionId, attempt }: LogRecord): string {
  return `${executionId}/${attempt}`;
}

function streamOf({ step, stream }: LogRecord): string {
  return `${step}/${stream}`;
}

function idOf({ executionId, attempt, seq }: LogRecord): string {
  return `${executionId}/${attempt}/${seq}`;
}

function documentOf(record: LogRecord): JsonObject {
  const { executionId, project, service, correlationId, attempt, step, script, seq, at, stream, level, bytes } = record;
  return {
    "@timestamp": new Date(at).toISOString(),
    fx: {
      at,
      execution: executionId,
      project,
      service,
      ...(correlationId === undefined ? {} : { flow: correlationId }),
      attempt,
      step,
      script,
      seq,
      stream,
      ...(level === undefined ? {} : { level }),
      size: bytes.length,
      bytes: Buffer.from(bytes).toString("base64"),
    },
  };
}

function recordOf({ _source: { fx } }: Hit<RecordSource>): LogRecord {
  const { execution, flow, bytes, size: _, level, ...rest } = fx;
  return {
    ...rest,
    executionId: execution,
    ...(flow === undefined ? {} : { correlationId: flow }),
    level,
    bytes: Buffer.from(bytes, "base64"),
  };
}
