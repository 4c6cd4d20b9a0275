import { StringDecoder } from "node:string_decoder";

/** Bytes in, lines out: UTF-8, a character in two parts included, and of a line no more than its beginning, however long it is. */
export class LineReader {
  readonly #maxLength: number;
  readonly #line: (text: string) => void;
  readonly #decoder = new StringDecoder("utf8");
  #begun = "";

  /** `maxLength`: characters of a line that are kept. */
  constructor(maxLength: number, line: (text: string) => void) {
    this.#maxLength = maxLength;
    this.#line = line;
  }

  read(bytes: Uint8Array): void {
    this.#take(this.#decoder.write(bytes));
  }

  /** What has no line break at its end is a line as well. */
  end(): void {
    this.#take(this.#decoder.end());
    if (this.#begun !== "") this.#line(this.#begun);
    this.#begun = "";
  }

  #take(text: string): void {
    let from = 0;
    for (let to = text.indexOf("\n"); to >= 0; to = text.indexOf("\n", from)) {
      this.#add(text, from, to);
      this.#line(this.#begun);
      this.#begun = "";
      from = to + 1;
    }
    this.#add(text, from, text.length);
  }

  #add(text: string, from: number, to: number): void {
    const room = this.#maxLength - this.#begun.length;
    if (room > 0) this.#begun += text.slice(from, Math.min(to, from + room));
  }
}
