import type { LogRecord } from "../ops-data.ts";
import { lineText, loggedPieces, splitLines } from "../split-lines.ts";

/** Where a line begins: in which record of its attempt, and as which of those that begin there, from 0. */
export interface LinePlace {
  seq: number;
  index: number;
  /** The time of that record. */
  at: number;
}

/** A line whose end has not come yet. */
export interface OpenLine extends LinePlace {
  bytes: Uint8Array;
}

export interface AssembledLine extends LinePlace {
  text: string;
}

/**
 * The lines that a record completes or begins, after what was open in its stream; and what is open then. They follow from the
 * records alone, so that whoever assembles them, and however often, makes the same lines.
 */
export function assemble(
  { stream, seq, at: time, bytes }: LogRecord,
  open: OpenLine | undefined,
): { lines: AssembledLine[]; open: OpenLine | undefined } {
  const at = Math.floor(time);
  if (stream === "log") {
    const lines = loggedPieces(bytes).map((piece, index) => ({ seq, at, index, text: lineText(piece) }));
    return { lines: lines.filter(isSaid), open: undefined };
  }
  const { whole, rest } = splitLines(open ? Buffer.concat([open.bytes, bytes]) : bytes);
  let index = 0;
  const next = (first: boolean): LinePlace => {
    if (first && open) return { seq: open.seq, index: open.index, at: open.at };
    index += 1;
    return { seq, index: index - 1, at };
  };
  const lines = whole.map((piece, number) => ({ ...next(number === 0), text: lineText(piece) }));
  const left = rest.length === 0 ? undefined : { ...next(whole.length === 0), bytes: rest };
  // Found with what there is of it.
  if (left) lines.push({ seq: left.seq, index: left.index, at: left.at, text: lineText(left.bytes) });
  return { lines: lines.filter(isSaid), open: left };
}

function isSaid({ text }: AssembledLine): boolean {
  return text.trim() !== "";
}
