import { type CliError, usageError } from "../cli-error.ts";
import type { Column } from "./column.ts";
import { DrawnLines, type LiveLines, StayingLines } from "./live-lines.ts";
import { type Paint, paintFor } from "./style.ts";

export interface TerminalOptions {
  /** True: JSON. A list of names: JSON with only those fields. */
  json: boolean | readonly string[];
  quiet: boolean;
}

/** Data goes to standard output, talk to standard error: a pipe gets the data only. */
export class Terminal {
  readonly #fields: readonly string[] | undefined;
  readonly #quiet: boolean;
  readonly isJson: boolean;
  /** Colours for standard output. */
  readonly paint: Paint = paintFor(process.stdout);
  /** Colours for standard error. */
  readonly paintTalk: Paint = paintFor(process.stderr);

  constructor({ json, quiet }: TerminalOptions) {
    this.isJson = json !== false;
    this.#fields = typeof json === "boolean" ? undefined : json;
    this.#quiet = quiet;
  }

  line(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  raw(bytes: Uint8Array | string): void {
    process.stdout.write(bytes);
  }

  /** For the person watching; silent under `--quiet`. */
  say(text: string): void {
    if (!this.#quiet) process.stderr.write(`${text}\n`);
  }

  /** What is said only until something better can be printed. */
  live(): LiveLines {
    // A terminal without colours may be one that cannot go back either.
    const isOneScreen = process.stdout.isTTY && process.stderr.isTTY && process.stderr.hasColors();
    return isOneScreen && !this.#quiet ? new DrawnLines(process.stderr) : new StayingLines((text) => this.say(text));
  }

  /** The likely next command, after a success. */
  next(command: string): void {
    if (!this.isJson) this.say(this.paintTalk("dim", `next: ${command}`));
  }

  /** Errors are told even when quiet. */
  error(error: CliError): void {
    const [first = "", ...rest] = error.lines();
    process.stderr.write(`${[this.paintTalk("red", first), ...rest].join("\n")}\n`);
  }

  /** One object: as JSON, or as the text that people read. */
  async one(value: object, text: () => string | Promise<string>): Promise<void> {
    this.line(this.isJson ? JSON.stringify(this.#select(value), undefined, 2) : await text());
  }

  /** A list: a JSON array, or a table; `empty` tells people why there is nothing, and what to do. */
  async list<Row extends object>(rows: readonly Row[], columns: readonly Column<Row>[], empty: string): Promise<void> {
    if (this.isJson) {
      this.line(
        JSON.stringify(
          rows.map((row) => this.#select(row)),
          undefined,
          2,
        ),
      );
    } else if (rows.length === 0) {
      this.say(empty);
    } else {
      const { tableText } = await import("./table.ts");
      this.line(tableText(rows, columns, this.paint));
    }
  }

  /** One entry of a stream: a JSON document on one line, or a line for people. */
  entry(value: object, text: () => string): void {
    this.line(this.isJson ? JSON.stringify(this.#select(value)) : text());
  }

  #select(value: object): object {
    if (this.#fields === undefined) return value;
    return Object.fromEntries(this.#fields.map((field) => [field, fieldOf(value, field)]));
  }
}

function fieldOf(value: object, field: string): unknown {
  if (field in value) return (value as Record<string, unknown>)[field] ?? null;
  const known = Object.keys(value).join(", ");
  throw usageError(`there is no field "${field}" to select: there are ${known}`, "write --json=field,field at the end");
}
