import { sha256Parts } from "../../foundation/hash.ts";

/** Scripts remembered; the least recently learned is forgotten first, and learned anew. */
const maxScripts = 1_000;

/** What scripts import of their interpreter, so that a zygote can have it imported ahead. */
export class LearnedImports {
  readonly #modules = new Map<string, { names: readonly string[]; key: string }>();

  /** `script` names one script of one version: what it imports does not change. */
  learn(script: string, modules: readonly string[]): void {
    const known = this.#modules.get(script);
    // A run may import less than the one before; what was needed once is worth having.
    const names = [...new Set([...(known?.names ?? []), ...modules])];
    if (known && names.length === known.names.length) return;
    this.#modules.delete(script);
    this.#modules.set(script, { names, key: sha256Parts(...[...names].sort()) });
    const oldest = this.#modules.keys().next().value;
    if (this.#modules.size > maxScripts && oldest !== undefined) this.#modules.delete(oldest);
  }

  /** Undefined: nothing was learned of it, or nothing that would be worth a zygote. */
  of(script: string): { names: readonly string[]; key: string } | undefined {
    return this.#modules.get(script);
  }
}
