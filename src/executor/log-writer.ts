import type { Bus } from "../bus/bus.ts";
import { encodeLogRecord } from "../executions/log-codec.ts";
import type { LogRecord } from "../executions/log-record.ts";
import type { Gathering } from "./gathering.ts";
import type { Insist } from "./patience.ts";

/** Largest record on the topic, in bytes of output. */
const maxPieceBytes = 64 * 1024;
/** Bytes that may wait for the bus before the script has to wait. */
const maxWaitingBytes = 1024 * 1024;
/** What a piece takes beside its bytes: a script may log nothing, again and again. */
const pieceBytes = 256;

export interface LogWriterParts {
  bus: Bus;
  insist: Insist;
  outputs: Pick<Gathering, "join">;
}

type RunFacts = Pick<LogRecord, "executionId" | "project" | "service" | "correlationId" | "attempt">;
type Piece = Pick<LogRecord, "step" | "script" | "stream" | "level" | "at" | "bytes">;

/**
 * Sends what one attempt writes to the backbone, in order, numbered without gaps. The first piece
 * leaves at once, or with those of other attempts; what arrives while the bus commits, or is away, leaves together, pieces of one stream joined.
 */
export class LogWriter {
  readonly #parts: LogWriterParts;
  readonly #facts: RunFacts;
  #seq = 0;
  #waiting: Piece[] = [];
  #waitingBytes = 0;
  #sending: Promise<void> | undefined;
  #failure: unknown;

  constructor(parts: LogWriterParts, facts: RunFacts) {
    this.#parts = parts;
    this.#facts = facts;
  }

  /** Resolves at once, or when there is room again. Never rejects; `flush` does. */
  write(piece: Piece): void | Promise<void> {
    if (piece.bytes.length === 0 && piece.stream !== "log") return;
    // The attempt is lost already; and a send with nothing left to await would never be over for `flush`.
    if (this.#failure !== undefined) return;
    const last = this.#waiting.at(-1);
    if (last && joins(last, piece)) last.bytes = Buffer.concat([last.bytes, piece.bytes]);
    else this.#waiting.push({ ...piece });
    this.#waitingBytes += pieceBytes + piece.bytes.length;
    this.#sending ??= this.#send();
    if (this.#waitingBytes > maxWaitingBytes) return this.#sending;
  }

  /** Resolves once everything written is durable; rejects when some of it cannot be. */
  async flush(): Promise<void> {
    while (this.#sending) await this.#sending;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #send(): Promise<void> {
    const { bus, insist, outputs } = this.#parts;
    while (this.#waiting.length > 0 && this.#failure === undefined) {
      await outputs.join();
      const pieces = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      // Numbered once: what is sent again is the same to whoever stores it.
      const records = pieces.flatMap((piece) => split(piece)).map((piece) => this.#record(piece));
      try {
        await insist(() => bus.publish(records));
      } catch (error) {
        this.#failure = error;
      }
    }
    this.#sending = undefined;
  }

  #record(piece: Piece) {
    this.#seq += 1;
    return encodeLogRecord({ ...this.#facts, ...piece, seq: this.#seq });
  }
}

function joins(last: Piece, piece: Piece): boolean {
  return (
    piece.stream !== "log" &&
    last.stream === piece.stream &&
    last.step === piece.step &&
    last.bytes.length + piece.bytes.length <= maxPieceBytes
  );
}

function split(piece: Piece): Piece[] {
  if (piece.bytes.length <= maxPieceBytes) return [piece];
  const pieces: Piece[] = [];
  for (let at = 0; at < piece.bytes.length; at += maxPieceBytes) {
    pieces.push({ ...piece, bytes: piece.bytes.subarray(at, at + maxPieceBytes) });
  }
  return pieces;
}
