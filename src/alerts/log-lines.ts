import type { LogRecord } from "../executions/log-record.ts";

/** A line, or the part of it that is there yet. */
export interface SeenLine {
  text: string;
  /** The same of every part of one line. */
  key: string;
}

interface OpenLine {
  text: string;
  key: string;
}

/** Of a longer line the beginning is looked at. */
const maxLineChars = 16 * 1024;
/** Outputs whose last line may go on; those not heard of for longest go first. */
const maxOpen = 2000;

/**
 * Assembles output to lines: of one run it comes in order. Of a line that is not ended yet each answer has all that there is, so that it
 * need not be waited for. What was open when the process ended is not remembered: the rest of such a line is a line.
 */
export class LogLines {
  readonly #open = new Map<string, OpenLine>();

  take(record: LogRecord): SeenLine[] {
    const { executionId, attempt, step, stream, seq, bytes } = record;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
    const place = `${executionId}/${attempt}/${step}/${stream}`;
    const keyOf = (line: number) => `${executionId.slice(-12)}/${attempt}/${seq}/${line}`;
    // A line of logging is one, whatever it contains.
    if (stream === "log") return [{ text: text.slice(0, maxLineChars), key: keyOf(0) }];
    const lines: OpenLine[] = text.split("\n").map((text, line) => ({ text, key: keyOf(line) }));
    const begun = this.#open.get(place);
    if (begun && lines[0]) lines[0] = { text: begun.text + lines[0].text, key: begun.key };
    const cut = lines.map(({ text, key }) => ({ text: text.slice(0, maxLineChars), key }));
    this.#keep(place, cut.at(-1));
    return cut.filter(({ text }) => text.trim() !== "");
  }

  #keep(place: string, rest: OpenLine | undefined): void {
    this.#open.delete(place);
    if (rest === undefined || rest.text === "") return;
    this.#open.set(place, rest);
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= maxOpen) break;
      this.#open.delete(oldest);
    }
  }
}
