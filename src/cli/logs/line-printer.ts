import type { LogAnswer } from "../connection/wire.ts";
import { safe } from "../terminal/safe.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** Raw output arrives in pieces that are not lines; structured records are lines of their own. */
export class LinePrinter {
  readonly #terminal: Terminal;
  #atLineStart = true;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  print(record: LogAnswer): void {
    const terminal = this.#terminal;
    if (terminal.isJson) {
      terminal.entry(record, () => "");
      return;
    }
    if (record.stream === "log") {
      this.end();
      terminal.line(`${terminal.paint("dim", `[${record.level ?? "info"}]`)} ${safe(record.text)}`);
      return;
    }
    const text = safe(record.text);
    terminal.raw(record.stream === "stderr" ? terminal.paint("yellow", text) : text);
    this.#atLineStart = text.endsWith("\n");
  }

  end(): void {
    if (!this.#atLineStart) this.#terminal.raw("\n");
    this.#atLineStart = true;
  }
}
