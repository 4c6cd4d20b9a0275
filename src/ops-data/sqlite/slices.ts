import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { LogLevelName } from "../../search/query-fields.ts";
import type { QueryNode } from "../../search/query-node.ts";
import type { EventHit, LineCounts, LogLine } from "../ops-data.ts";
import { matchExpression, type SearchKind } from "./match-expression.ts";
import { idAt, lowestId, timeOf } from "./time-ids.ts";
import { floorOf, partsOf, wordsTable } from "./word-index.ts";

/** A part of a search: ids [fromId, toId), of which one part of the index is looked through. */
export interface SliceRequest {
  query: QueryNode;
  fromId: number;
  toId: number;
  limit: number;
}

export interface Slice<Item> {
  items: Item[];
  /** Everything from here on was looked through: the next slice ends here. */
  searchedTo: number;
  done: boolean;
}

const lineColumns = `lines.id, sources.project, sources.service, sources.script, sources.stream, sources.level,
  lines.execution_id as executionId, lines.attempt, lines.step, line_texts.text`;
const eventColumns = `events.id, events.key, events.event_id as eventId, events.source, events.type, events.subject,
  events.project, events.correlation_id as correlationId, events.excerpt`;

/** Bytes of text in one answer of a slice: they are copied from thread to thread. */
const maxSliceText = 4 * 1024 * 1024;

/** Searches on a connection that only reads. Each call looks through one part of the index. */
export class Slices {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  lines(request: SliceRequest): Slice<LogLine> {
    const joins =
      "cross join lines on lines.id = found.id cross join sources on sources.id = lines.source cross join line_texts on line_texts.id = found.id";
    const slice = this.#page("lines", request, lineColumns, joins, ({ text }) => String(text).length);
    return {
      ...slice,
      items: slice.items.map(({ id, ...row }) => ({ ...row, id: String(id), at: timeOf(id) }) as unknown as LogLine),
    };
  }

  events(request: SliceRequest): Slice<EventHit> {
    const slice = this.#page(
      "events",
      request,
      eventColumns,
      "cross join events on events.id = found.id",
      ({ excerpt }) => String(excerpt).length,
    );
    const items = slice.items.map(({ id, subject, project, correlationId, ...row }) => ({
      ...row,
      id: String(id),
      at: timeOf(id),
      subject: subject ?? undefined,
      project: project ?? undefined,
      correlationId: correlationId ?? undefined,
    }));
    return { ...slice, items: items as unknown as EventHit[] };
  }

  /** `limit` does not count here. */
  countLines({
    query,
    fromId,
    toId,
    bucketMs,
  }: Omit<SliceRequest, "limit"> & { bucketMs: number }): Slice<LineCounts["counts"][number]> {
    const part = this.#partBefore("lines", fromId, toId);
    if (part === undefined) return { items: [], searchedTo: fromId, done: true };
    const match = matchExpression(query, "lines");
    const found =
      match === undefined
        ? "lines where"
        : `${wordsTable("lines", part.number)} as words cross join lines on lines.id = words.rowid where words match ? and`;
    const id = match === undefined ? "lines.id" : "words.rowid";
    // Division rounds towards zero; ids of times before 1970 are not among real ones.
    const rows = this.#all(
      `select bucket * cast(? as integer) as bucketAt, project, service, script, stream, level, count
       from (select ${id} / 1024 / cast(? as integer) as bucket, lines.source as source, count(*) as count
             from ${found} ${id} >= ? and ${id} < ? group by 1, 2) as counted
       join sources on sources.id = counted.source`,
      [bucketMs, bucketMs, ...(match === undefined ? [] : [match]), part.fromId, part.toId],
    ) as unknown as (LineCounts["counts"][number] & { level: LogLevelName })[];
    return { items: rows, searchedTo: part.fromId, done: part.fromId <= fromId };
  }

  #page(
    kind: SearchKind,
    { query, fromId, toId, limit }: SliceRequest,
    columns: string,
    joins: string,
    sizeOf: (row: Record<string, unknown>) => number,
  ): Slice<Record<string, unknown> & { id: number }> {
    const part = this.#partBefore(kind, fromId, toId);
    if (part === undefined) return { items: [], searchedTo: fromId, done: true };
    const match = matchExpression(query, kind);
    const found =
      match === undefined
        ? `select id from ${kind} where id >= ? and id < ? order by id desc limit ?`
        : `select rowid as id from ${wordsTable(kind, part.number)} where words match ? and rowid >= ? and rowid < ? order by rowid desc limit ?`;
    const parameters = [...(match === undefined ? [] : [match]), part.fromId, part.toId, limit];
    const statement = this.#prepare(`select ${columns} from (${found}) as found ${joins} order by found.id desc`);
    const items: (Record<string, unknown> & { id: number })[] = [];
    let size = 0;
    for (const row of statement.iterate(...parameters) as Iterable<Record<string, unknown> & { id: number }>) {
      items.push(row);
      size += sizeOf(row);
      if (size > maxSliceText) break;
    }
    const last = items.at(-1);
    const cut = items.length === limit || size > maxSliceText;
    const searchedTo = cut && last ? last.id : part.fromId;
    return { items, searchedTo, done: searchedTo <= fromId };
  }

  /** The newest part that holds ids of the range, cut to it. */
  #partBefore(
    kind: SearchKind,
    fromId: number,
    toId: number,
  ): { number: number; fromId: number; toId: number } | undefined {
    const least = Math.max(fromId, floorOf(this.#database, kind));
    if (toId <= least) return undefined;
    const parts = partsOf(this.#database, kind);
    const part = parts.find((own) => own.fromId < toId) ?? parts.at(-1);
    if (part === undefined) return undefined;
    const begin = part === parts.at(-1) ? lowestId : part.fromId;
    // What lies below the floor need not be walked to.
    return { number: part.number, fromId: Math.max(begin, least), toId };
  }

  #all(sql: string, parameters: SQLInputValue[]): unknown[] {
    return this.#prepare(sql).all(...parameters);
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      // Parts come and go, and each has statements of its own.
      if (this.#statements.size >= 500) this.#statements.clear();
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** [from, to) of milliseconds, maybe infinite, as ids. */
export function idRange(from: number, to: number): { fromId: number; toId: number } {
  return { fromId: idAt(from), toId: idAt(to) };
}
