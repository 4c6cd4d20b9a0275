import { existsSync } from "node:fs";
import type { Preload } from "./preload.ts";
import { Zygote } from "./zygote.ts";
import type { ZygoteParts } from "./zygote-process.ts";

/** The kernel must tell a zygote of its children, else what a script leaves behind could not be found (proc(5), CONFIG_PROC_CHILDREN). */
const childrenFile = `/proc/self/task/${process.pid}/children`;
/** Each costs 10 to 60 MB; the one that was not used for longest makes room for the next. */
const maxZygotes = 8;

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
  /** The one whose modules are not known to be worth it yet: it has no place among the others, and none is begun beside it. */
  #trial: { key: string; zygote: Zygote; isWanted: boolean } | undefined;
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
    const plain = this.#zygotes.get(python) ?? new Zygote({ ...this.#parts, python, preload: [] });
    this.#keep(python, plain);
    if (preload === undefined) return plain;
    const key = `${python}\n${preload.key}`;
    const warmer = this.#zygotes.get(key);
    if (warmer === undefined) this.#try(key, python, preload);
    else this.#keep(key, warmer);
    return warmer?.isReady ? warmer : plain;
  }

  /** No script needs what was imported under this key of a `Preload` any more. */
  forget(preloadKey: string): void {
    const end = `\n${preloadKey}`;
    for (const [key, zygote] of this.#zygotes) if (key.endsWith(end)) this.#retire(key, zygote);
    if (this.#trial?.key.endsWith(end)) this.#trial.isWanted = false;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const zygotes = [...this.#zygotes.values(), ...(this.#trial ? [this.#trial.zygote] : [])];
    await Promise.all([...zygotes.map((zygote) => zygote.close()), ...this.#closing]);
  }

  /** As the most recently used. */
  #keep(key: string, zygote: Zygote): void {
    this.#zygotes.delete(key);
    this.#zygotes.set(key, zygote);
    const [oldest] = this.#zygotes;
    if (this.#zygotes.size > maxZygotes && oldest) this.#retire(...oldest);
  }

  #try(key: string, python: string, { names, judge }: Preload): void {
    if (this.#trial) return;
    const zygote = new Zygote({ ...this.#parts, python, preload: names });
    const trial = { key, zygote, isWanted: true };
    this.#trial = trial;
    void zygote.settled().then(() => {
      this.#trial = undefined;
      if (this.#closed) return;
      const found = zygote.preloaded;
      judge(found);
      if (found?.isWorthIt && trial.isWanted) this.#keep(key, zygote);
      else this.#retire(key, zygote);
    });
  }

  #retire(key: string, zygote: Zygote): void {
    this.#zygotes.delete(key);
    const closing = zygote.closeWhenIdle().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
