import type { Defer } from "./turn.ts";

/**
 * Gathers what is asked for while a commit is under way into the next one, so that n concurrent
 * callers cost one commit and not n. Without load an item is committed at once: nothing waits for a timer.
 */
export class GroupCommit<Item, Result> {
  readonly #commit: (items: Item[]) => Promise<Result[]>;
  readonly #maxItems: number;
  readonly #defer: Defer;
  #waiting: { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }[] = [];
  #running: Promise<void> | undefined;

  /**
   * `commit` answers one result per item, in order; when it rejects, all of its items reject. `defer`
   * says how long a batch waits for more: requests that came in one turn of the event loop are met at its end only.
   */
  constructor(commit: (items: Item[]) => Promise<Result[]>, maxItems: number, defer: Defer = queueMicrotask) {
    this.#commit = commit;
    this.#maxItems = maxItems;
    this.#defer = defer;
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  /** Resolves when nothing is waiting or under way. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await new Promise<void>((resolve) => this.#defer(resolve));
      const batch = this.#waiting.splice(0, this.#maxItems);
      try {
        const results = await this.#commit(batch.map(({ item }) => item));
        for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = undefined;
  }
}
