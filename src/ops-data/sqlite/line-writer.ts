import type { DatabaseSync, StatementSync } from "node:sqlite";
import { serviceRef } from "../../services/service-ref.ts";
import { levelOf } from "../level-of.ts";
import type { LogRecord } from "../ops-data.ts";
import { lineText, loggedPieces, splitLines } from "../split-lines.ts";
import { fieldToken, indexedText } from "./match-expression.ts";
import { idAt } from "./time-ids.ts";
import { WordIndex } from "./word-index.ts";

interface OpenLine {
  /** As which it is stored already; null: not yet. */
  line: number | null;
  seq: number;
  at: number;
  bytes: Uint8Array;
}

interface NewLine {
  at: number;
  text: string;
  record: LogRecord;
  /** The open line that this is the beginning of. */
  open?: OpenLine;
}

/** What one transaction adds. */
interface Batch {
  lines: NewLine[];
  /** By place; an empty one is closed. */
  open: Map<string, { place: Place; open: OpenLine; record: LogRecord }>;
}

type Place = [run: number, attempt: number, step: number, stream: string];

/**
 * Assembles what scripts wrote to lines and indexes them, in the transaction that stores the records:
 * a record is taken once, so each of its lines is there once, whatever is read again.
 */
export class LineWriter {
  readonly #words: WordIndex;
  readonly #statements: Record<
    "source" | "addSource" | "addLine" | "addText" | "setText" | "open" | "keepOpen" | "close",
    StatementSync
  >;
  readonly #sources = new Map<string, number>();
  #batch: Batch = { lines: [], open: new Map() };

  constructor(database: DatabaseSync, partSize?: number) {
    this.#words = new WordIndex(database, "lines", ["lines", "line_texts"], partSize);
    this.#statements = {
      source: database.prepare(
        "select id from sources where project = ? and service = ? and script = ? and stream = ? and level = ?",
      ),
      addSource: database.prepare(
        "insert into sources (project, service, script, stream, level) values (?, ?, ?, ?, ?) returning id",
      ),
      addLine: database.prepare("insert into lines (id, source, execution_id, attempt, step) values (?, ?, ?, ?, ?)"),
      addText: database.prepare("insert into line_texts (id, text) values (?, ?)"),
      setText: database.prepare("update line_texts set text = ? where id = ?"),
      open: database.prepare(
        "select line, seq, at, bytes from open_lines where run = ? and attempt = ? and step = ? and stream = ?",
      ),
      keepOpen: database.prepare(
        "insert or replace into open_lines (run, attempt, step, stream, line, seq, at, bytes) values (?, ?, ?, ?, ?, ?, ?, ?)",
      ),
      close: database.prepare("delete from open_lines where run = ? and attempt = ? and step = ? and stream = ?"),
    };
  }

  get words(): WordIndex {
    return this.#words;
  }

  /** Begins a transaction: what one before it left, because it failed, is forgotten. */
  begin(): void {
    this.#batch = { lines: [], open: new Map() };
    this.#sources.clear();
  }

  /** A record that was not stored before. */
  take(run: number, record: LogRecord): void {
    const { stream, attempt, step, seq, bytes } = record;
    const at = Math.floor(record.at);
    if (stream === "log") {
      for (const piece of loggedPieces(bytes)) this.#emit({ at, text: lineText(piece), record });
      return;
    }
    const place: Place = [run, attempt, step, stream];
    const key = place.join("/");
    const open = this.#batch.open.get(key)?.open ?? (this.#statements.open.get(...place) as OpenLine | undefined);
    // One that comes late continues nothing that is open.
    const begun = open !== undefined && open.bytes.length > 0 && seq > open.seq ? open : undefined;
    const { whole, rest } = splitLines(begun ? Buffer.concat([begun.bytes, bytes]) : bytes);
    for (const [index, piece] of whole.entries()) {
      const continues = index === 0 && begun !== undefined;
      const text = lineText(piece);
      if (continues) this.#complete({ at: begun.at, text, record, open: begun });
      else this.#emit({ at, text, record });
    }
    if (open !== undefined && begun === undefined && seq < open.seq) {
      this.#emit({ at, text: lineText(rest), record });
    } else if (open !== undefined || rest.length > 0) {
      const goesOn = begun !== undefined && whole.length === 0;
      const next = { line: goesOn ? begun.line : null, seq, at: goesOn ? begun.at : at, bytes: rest };
      this.#batch.open.set(key, { place, open: next, record });
    }
  }

  /** Writes what was taken; before the transaction ends. */
  end(): void {
    for (const { open, record } of this.#batch.open.values()) {
      if (open.bytes.length > 0) this.#complete({ at: open.at, text: lineText(open.bytes), record, open });
    }
    this.#write();
    const { keepOpen, close } = this.#statements;
    for (const { place, open } of this.#batch.open.values()) {
      if (open.bytes.length === 0) close.run(...place);
      else keepOpen.run(...place, open.line, open.seq, open.at, open.bytes);
    }
    this.begin();
  }

  #emit(line: NewLine): void {
    if (line.text.trim() !== "") this.#batch.lines.push(line);
  }

  /** A line of which a part may be stored already. */
  #complete(line: NewLine & { open: OpenLine }): void {
    const { open, record, text } = line;
    if (open.line === null) this.#emit(line);
    else {
      this.#words.replace(open.line, wordsOfLine(record, text));
      this.#statements.setText.run(text, open.line);
    }
  }

  #write(): void {
    const lines = this.#batch.lines.sort((left, right) => left.at - right.at);
    const place = this.#words.placer();
    const { addLine, addText } = this.#statements;
    const documents = lines.map(({ at, text, record, open }) => {
      const id = place(idAt(at));
      addLine.run(id, this.#sourceOf(record), record.executionId, record.attempt, record.step);
      addText.run(id, text);
      if (open) open.line = id;
      return { id, words: wordsOfLine(record, text) };
    });
    this.#words.add(documents);
  }

  #sourceOf(record: LogRecord): number {
    const { project, service, script, stream } = record;
    const values = [project, service, script, stream, levelOf(record)] as const;
    const key = values.join("\n");
    let id = this.#sources.get(key);
    if (id === undefined) {
      const { source, addSource } = this.#statements;
      const row = source.get(...values) ?? addSource.get(...values);
      id = (row as { id: number }).id;
      this.#sources.set(key, id);
    }
    return id;
  }
}

let lastTokens: { record: LogRecord; tokens: string } | undefined;

function wordsOfLine(record: LogRecord, text: string): string {
  if (lastTokens?.record !== record) lastTokens = { record, tokens: tokensOf(record) };
  return indexedText(text, lastTokens.tokens);
}

function tokensOf(record: LogRecord): string {
  const { project, service, executionId, script, stream, attempt, step, correlationId } = record;
  return [
    fieldToken("stream", stream),
    fieldToken("level", levelOf(record)),
    fieldToken("service", serviceRef({ project, name: service })),
    fieldToken("execution", executionId),
    fieldToken("script", script),
    fieldToken("attempt", String(attempt)),
    fieldToken("step", String(step)),
    ...(correlationId === undefined ? [] : [fieldToken("flow", correlationId)]),
  ].join(" ");
}
