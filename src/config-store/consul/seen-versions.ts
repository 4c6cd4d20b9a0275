import type { ConsulEntry } from "./consul-http.ts";

/** Services whose versions are remembered; the one that was longest not asked for is forgotten first. */
const maxOwners = 256;

interface Seen {
  /** It never goes back, unless something older was put back. */
  flags: number;
  /** The question whose answer told it. */
  asked: number;
}

/**
 * What this process has read and put, by which it knows an answer that is older. Answers overtake each other: one is held
 * against what was known when it was asked for.
 */
export class SeenVersions {
  readonly #owners = new Map<string, Map<string, Seen>>();
  #asked = 0;
  /** The entry that was changed last of all. */
  #newest: ConsulEntry | undefined;

  get newest(): ConsulEntry | undefined {
    return this.#newest;
  }

  /** Call it before a question, and hand it back with its answer. */
  ask(): number {
    this.#asked += 1;
    return this.#asked;
  }

  /** Whether something of these keys, or of all that the owner has, is older than what was known, or is gone. */
  isOlder(asked: number, owner: string, entries: readonly ConsulEntry[], keys?: readonly string[]): boolean {
    const seen = this.#owners.get(owner);
    if (seen === undefined) return false;
    const found = new Map(entries.map(({ key, flags }) => [key, flags]));
    for (const key of keys ?? seen.keys()) {
      const known = seen.get(key);
      if (known !== undefined && known.asked < asked && (found.get(key) ?? -1) < known.flags) return true;
    }
    return false;
  }

  note(owner: string, entries: readonly ConsulEntry[]): void {
    const seen = this.#owners.get(owner) ?? new Map<string, Seen>();
    for (const entry of entries) {
      const { key, flags } = entry;
      if (flags > (seen.get(key)?.flags ?? -1)) seen.set(key, { flags, asked: this.#asked });
      if (this.#newest === undefined || entry.index > this.#newest.index) this.#newest = entry;
    }
    this.#owners.delete(owner);
    this.#owners.set(owner, seen);
    const [oldest] = this.#owners.keys();
    if (this.#owners.size > maxOwners && oldest !== undefined) this.#owners.delete(oldest);
  }

  forget(): void {
    this.#owners.clear();
    this.#newest = undefined;
  }
}
