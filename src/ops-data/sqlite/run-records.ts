import type { DatabaseSync, StatementSync } from "node:sqlite";
import { inTransaction } from "../../foundation/sqlite-file.ts";
import type { LogQuery, LogRecord, StepRef } from "../ops-data.ts";
import { LineWriter } from "./line-writer.ts";
import { idAt } from "./time-ids.ts";
import type { OutputBytes, OutputRange } from "./worker-protocol.ts";

/** Executions of one deleting transaction, so that readers do not wait for a large deletion. */
const runsAtOnce = 50;

type Row = Omit<LogRecord, "executionId" | "project" | "service" | "level"> & { level: string | null };

/** Log records, and the lines that searches find, in the worker's own file. Everything here is synchronous (rule D20). */
export class RunRecords {
  readonly #database: DatabaseSync;
  readonly #run: StatementSync;
  readonly #addRun: StatementSync;
  readonly #noteAge: StatementSync;
  readonly #add: StatementSync;
  readonly #outputEnd: StatementSync;
  readonly #highest: StatementSync;
  readonly #replace: StatementSync;
  readonly #page: StatementSync;
  readonly #startOf: StatementSync;
  readonly #range: StatementSync;
  readonly #old: StatementSync;
  readonly #deleteRecords: StatementSync;
  readonly #deleteRun: StatementSync;
  readonly #deleteOpen: StatementSync;
  readonly #lines: LineWriter;

  /** `partSize`: lines of one part of the index of words. */
  constructor(database: DatabaseSync, partSize?: number) {
    this.#database = database;
    this.#lines = new LineWriter(database, partSize);
    const ofStep = "run = ? and attempt = ? and step = ? and size > 0";
    this.#run = database.prepare("select id, project, service from runs where execution_id = ?");
    this.#addRun = database.prepare(
      "insert into runs (execution_id, project, service, last_at) values (?, ?, ?, ?) returning id",
    );
    this.#noteAge = database.prepare("update runs set last_at = max(last_at, ?) where id = ?");
    this.#add = database.prepare(
      `insert into records (run, attempt, seq, step, script, at, stream, level, bytes, start, size)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
    );
    this.#outputEnd = database.prepare(
      `select start + size as end, seq from records where ${ofStep} order by start desc limit 1`,
    );
    this.#highest = database.prepare("select max(seq) as seq from records where run = ? and attempt = ?");
    this.#replace = database.prepare(
      `with placed as (
         select rowid as id, sum(size) over (order by seq) - size as place from records where ${ofStep}
       )
       update records set start = placed.place from placed where records.rowid = placed.id`,
    );
    this.#page = database.prepare(
      `select attempt, seq, step, script, at, stream, level, bytes from records
       where run = ? and (attempt, seq) > (?, ?) order by attempt, seq limit ?`,
    );
    this.#startOf = database.prepare(
      `select start from records where ${ofStep} and start <= ? order by start desc limit 1`,
    );
    this.#range = database.prepare(
      `select start, bytes from records where ${ofStep} and start >= ? and start < ? order by start`,
    );
    this.#old = database.prepare("select id from runs where last_at < ? order by last_at limit ?");
    this.#deleteRecords = database.prepare("delete from records where run = ?");
    this.#deleteRun = database.prepare("delete from runs where id = ?");
    this.#deleteOpen = database.prepare("delete from open_lines where run = ?");
  }

  append(records: readonly LogRecord[]): void {
    inTransaction(this.#database, () => {
      this.#lines.begin();
      for (const record of records) this.#append(record);
      this.#lines.end();
    });
  }

  logs({ executionId, after, limit }: LogQuery): LogRecord[] {
    const run = this.#runOf(executionId);
    if (run === undefined) return [];
    const rows = this.#page.all(run.id, after?.attempt ?? 0, after?.seq ?? 0, limit) as unknown as Row[];
    const { project, service } = run;
    return rows.map(({ level, ...row }) => ({ executionId, project, service, ...row, level: level ?? undefined }));
  }

  /** Reads only the records that the range touches: each knows its place in the step's output. */
  output({ step, from, to }: OutputRange): OutputBytes {
    const nothing = { bytes: new Uint8Array(0), sizeBytes: 0 };
    const place = this.#placeOf(step);
    if (place === undefined) return nothing;
    const { end: sizeBytes } = (this.#outputEnd.get(...place) ?? { end: 0 }) as { end: number };
    const first = this.#startOf.get(...place, from) as { start: number } | undefined;
    if (first === undefined || to <= from || from >= sizeBytes) return { ...nothing, sizeBytes };
    const bytes = new Uint8Array(Math.min(to, sizeBytes) - from);
    for (const row of this.#range.iterate(...place, first.start, to)) {
      const { start, bytes: piece } = row as unknown as { start: number; bytes: Uint8Array };
      const cut = piece.subarray(Math.max(0, from - start), Math.max(0, to - start));
      bytes.set(cut, Math.max(0, start - from));
    }
    return { bytes, sizeBytes };
  }

  highestSeq(executionId: string, attempt: number): number {
    const run = this.#runOf(executionId);
    if (run === undefined) return 0;
    return (this.#highest.get(run.id, attempt) as { seq: number | null }).seq ?? 0;
  }

  pruneSome(before: number): { executions: number; records: number } {
    const old = this.#old.all(before, runsAtOnce) as unknown as { id: number }[];
    let records = 0;
    inTransaction(this.#database, () => {
      for (const { id } of old) {
        records += Number(this.#deleteRecords.run(id).changes);
        this.#deleteOpen.run(id);
        this.#deleteRun.run(id);
      }
    });
    return { executions: old.length, records };
  }

  /** Lines from before are not found once this returns. */
  hideLines(before: number): void {
    this.#lines.words.raiseFloor(idAt(before));
  }

  /** Answers how many lines went; 0 when none is left to delete. */
  pruneLines(): number {
    return inTransaction(this.#database, () => this.#lines.words.pruneSome());
  }

  #append(record: LogRecord): void {
    const { attempt, seq, step, script, stream, level, bytes } = record;
    const at = Math.floor(record.at);
    const run = this.#runOf(record.executionId)?.id ?? this.#newRun(record, at);
    const size = stream === "log" ? 0 : bytes.length;
    const last = (this.#outputEnd.get(run, attempt, step) ?? { end: 0, seq: 0 }) as { end: number; seq: number };
    const { changes } = this.#add.run(
      run,
      attempt,
      seq,
      step,
      script,
      at,
      stream,
      level ?? null,
      bytes,
      last.end,
      size,
    );
    if (changes === 0) return;
    this.#noteAge.run(at, run);
    this.#lines.take(run, record);
    // Written late, so that what stands after it moves on. Does not happen while one sink reads one partition.
    if (size > 0 && seq < last.seq) this.#replace.run(run, attempt, step);
  }

  #newRun({ executionId, project, service }: LogRecord, at: number): number {
    return (this.#addRun.get(executionId, project, service, at) as { id: number }).id;
  }

  #runOf(executionId: string): { id: number; project: string; service: string } | undefined {
    return this.#run.get(executionId) as { id: number; project: string; service: string } | undefined;
  }

  #placeOf({ executionId, attempt, step }: StepRef): [number, number, number] | undefined {
    const run = this.#runOf(executionId);
    return run && [run.id, attempt, step];
  }
}
