import { existsSync } from "node:fs";
import { Zygote } from "./zygote.ts";
import type { ZygoteParts } from "./zygote-process.ts";

/** The kernel must tell a zygote of its children, else what a script leaves behind could not be found (proc(5), CONFIG_PROC_CHILDREN). */
const childrenFile = `/proc/self/task/${process.pid}/children`;

/** The warm interpreters of one executor, one for each Python that services run with. */
export class Zygotes {
  /** Without fork as Linux has it, every script is started anew. */
  static readonly supported = process.platform === "linux" && existsSync(childrenFile);

  readonly #parts: Omit<ZygoteParts, "python">;
  readonly #zygotes = new Map<string, Zygote>();
  #closed = false;

  constructor(parts: Omit<ZygoteParts, "python">) {
    this.#parts = parts;
  }

  /** The zygote of an interpreter, begun when it is first asked for; undefined once closed. */
  of(python: string): Zygote | undefined {
    if (this.#closed) return undefined;
    let zygote = this.#zygotes.get(python);
    if (zygote === undefined) {
      zygote = new Zygote({ ...this.#parts, python });
      this.#zygotes.set(python, zygote);
    }
    return zygote;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#zygotes.values()].map((zygote) => zygote.close()));
  }
}
