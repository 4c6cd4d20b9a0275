import { createHash } from "node:crypto";
import { logLevels } from "../../search/query-fields.ts";
import { wordsOf } from "../../search/words.ts";
import { serviceRef } from "../../services/service-ref.ts";
import { levelOf } from "../level-of.ts";
import type { LogRecord } from "../ops-data.ts";
import { lineText, loggedPieces, splitLines } from "../split-lines.ts";

/** A line as it is now: the same place again is the same line, longer by what has come. */
export interface AssembledLine {
  id: string;
  at: number;
  /** Of the last record that is in it: what is assembled of less gives way. */
  upTo: number;
  order: string;
  text: string;
  record: LogRecord;
}

/** A line that has no end yet. */
export interface OpenLine {
  /** Of the record that it begins in, and which of that record's lines it is. */
  seq: number;
  index: number;
  at: number;
  bytes: Uint8Array;
}

/**
 * The lines of one stream of a step, of records in the order of their seq. `open` is the line that the records before them left
 * without an end; answers what these leave.
 */
export function assembleLines(
  records: readonly LogRecord[],
  open: OpenLine | undefined,
): { lines: AssembledLine[]; open: OpenLine | undefined } {
  const lines: AssembledLine[] = [];
  const emit = (record: LogRecord, place: Omit<OpenLine, "bytes">, bytes: Uint8Array) => {
    const text = lineText(bytes);
    if (text.trim() === "") return;
    const { seq, index, at } = place;
    lines.push({ id: idOf(record, seq, index), at, upTo: record.seq, order: orderOf(record, place), text, record });
  };
  let begun = open;
  for (const record of records) {
    const { seq, bytes } = record;
    const at = Math.floor(record.at);
    if (record.stream === "log") {
      for (const [index, piece] of loggedPieces(bytes).entries()) emit(record, { seq, index, at }, piece);
      continue;
    }
    const { whole, rest } = splitLines(begun ? Buffer.concat([begun.bytes, bytes]) : bytes);
    let index = 0;
    for (const piece of whole) {
      emit(record, begun ?? { seq, index, at }, piece);
      // Where a line was begun before, those after it are this record's own.
      if (begun === undefined || begun.seq === seq) index += 1;
      begun = undefined;
    }
    begun = rest.length === 0 ? undefined : { ...(begun ?? { seq, index, at }), bytes: rest };
  }
  const last = records.at(-1);
  if (begun && last) emit(last, begun, begun.bytes);
  return { lines, open: begun };
}

/** The document of a line. */
export function lineDocument({ at, order, text, record }: AssembledLine) {
  const { project, service, executionId, correlationId, attempt, step, script, stream } = record;
  const level = levelOf(record);
  return {
    "@timestamp": new Date(at).toISOString(),
    message: text,
    log: { level },
    service: { name: serviceRef({ project, name: service }) },
    ...(correlationId === undefined ? {} : { trace: { id: correlationId } }),
    event: { dataset: "fx.lines" },
    fx: {
      at,
      order,
      execution: executionId,
      project,
      service,
      attempt,
      step,
      script,
      stream,
      level: logLevels.indexOf(level),
      words: wordsOf(text).join(" "),
    },
  };
}

function idOf({ executionId, attempt, step, stream }: LogRecord, seq: number, index: number): string {
  return `${executionId}/${attempt}/${step}/${stream}/${seq}/${index}`;
}

/** Sorts by time; within a millisecond by the place in the attempt. Digits alone, so that it is an id that pages can go on from. */
function orderOf(record: LogRecord, { seq, index, at }: Omit<OpenLine, "bytes">): string {
  const { executionId, attempt, step, stream } = record;
  const whose = createHash("sha256").update(`${executionId}/${attempt}/${step}/${stream}`).digest().readUInt32BE();
  return timeOrder(at) + digits(seq, 10) + digits(index, 7) + digits(whose, 10);
}

/** First digits of the order of everything at a time, in milliseconds since the epoch; also of times before that. */
export function timeOrder(at: number): string {
  return digits(Math.floor(at) + 1e15, 16);
}

export function timeOfOrder(order: string): number {
  return Number(order.slice(0, 16)) - 1e15;
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, "0");
}
