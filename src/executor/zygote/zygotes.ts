import { existsSync } from "node:fs";
import { Zygote } from "./zygote.ts";
import type { ZygoteParts } from "./zygote-process.ts";

/** The kernel must tell a zygote of its children, else what a script leaves behind could not be found (proc(5), CONFIG_PROC_CHILDREN). */
const childrenFile = `/proc/self/task/${process.pid}/children`;
/** Each costs 10 to 60 MB; the one that was not used for longest makes room for the next. */
const maxZygotes = 8;

/** Modules to be imported ahead, under a name for the set of them. */
export interface Preload {
  key: string;
  names: readonly string[];
}

/**
 * The warm interpreters of one executor: one for each Python that services run with, and others beside it that have
 * imported ahead what some scripts need. Those are apart, because what a zygote has imported makes each of its forks dearer.
 */
export class Zygotes {
  /** Without fork as Linux has it, every script is started anew. */
  static readonly supported = process.platform === "linux" && existsSync(childrenFile);

  readonly #parts: Omit<ZygoteParts, "python" | "preload">;
  /** The least recently used first. */
  readonly #zygotes = new Map<string, Zygote>();
  readonly #closing = new Set<Promise<void>>();
  #closed = false;

  constructor(parts: Omit<ZygoteParts, "python" | "preload">) {
    this.#parts = parts;
  }

  /**
   * The zygote of an interpreter, begun when it is first asked for; undefined once closed. With `preload`, the one that has
   * imported it, or the plain one until that is ready.
   */
  of(python: string, preload?: Preload): Zygote | undefined {
    if (this.#closed) return undefined;
    const plain = this.#get(python, python, []);
    if (preload === undefined) return plain;
    const warmer = this.#get(`${python}\n${preload.key}`, python, preload.names);
    return warmer.isReady ? warmer : plain;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...[...this.#zygotes.values()].map((zygote) => zygote.close()), ...this.#closing]);
  }

  #get(key: string, python: string, preload: readonly string[]): Zygote {
    const found = this.#zygotes.get(key);
    this.#zygotes.delete(key);
    const zygote = found ?? new Zygote({ ...this.#parts, python, preload });
    this.#zygotes.set(key, zygote);
    const [oldest] = this.#zygotes;
    if (this.#zygotes.size > maxZygotes && oldest) {
      this.#zygotes.delete(oldest[0]);
      const closing = oldest[1].closeWhenIdle().finally(() => this.#closing.delete(closing));
      this.#closing.add(closing);
    }
    return zygote;
  }
}
