import { sha256Parts } from "../../foundation/hash.ts";
import type { Preload, Preloaded } from "./preload.ts";

/** Versions remembered; the least recently learned is forgotten first, and learned anew. */
const maxVersions = 1_000;
/** Each list of a version is a zygote that is begun: what a script tells of its imports may be anything, with each run. */
const maxLists = 4;
/** They travel as one argument, which may have 128 KiB. */
const maxNames = 2_000;
const maxNameChars = 64 * 1024;

interface Learned {
  /** Undefined: there is nothing that is worth a zygote. */
  preload: Preload | undefined;
  /** How many there have been. */
  lists: number;
  /** Scripts that have told of imports; the others are better off with the plain zygote. */
  scripts: Set<string>;
  /** Names that no zygote is asked for again. */
  refused: Set<string>;
}

/**
 * What scripts import of their interpreter, so that a zygote can have it imported ahead: one list for all scripts of a version,
 * which grows a few times and then stays as it is.
 */
export class LearnedImports {
  readonly #versions = new Map<string, Learned>();
  readonly #unused: (key: string) => void;

  /** `unused` is told of each list that no version has any more. */
  constructor(unused: (key: string) => void) {
    this.#unused = unused;
  }

  learn(version: string, script: string, modules: readonly string[]): void {
    const known = this.#versions.get(version) ?? {
      preload: undefined,
      lists: 0,
      scripts: new Set(),
      refused: new Set(),
    };
    known.scripts.add(script);
    if (known.lists >= maxLists) return;
    // A run may import less than the one before; what was needed once is worth having.
    const former = known.preload?.names.filter((name) => !known.refused.has(name)) ?? [];
    const names = [...new Set([...former, ...modules.filter((name) => !known.refused.has(name))])];
    if (names.length === former.length || names.length > maxNames || names.join().length > maxNameChars) return;
    known.lists += 1;
    this.#give(known, { key: sha256Parts(...[...names].sort()), names, judge: (found) => judge(found) });
    const given = known.preload;
    const judge = (found: Preloaded | undefined) => {
      for (const name of found?.isWorthIt ? found.refused : names) known.refused.add(name);
      // Another may have taken its place meanwhile.
      if (!found?.isWorthIt && known.preload === given) this.#give(known, undefined);
    };
    this.#versions.delete(version);
    this.#versions.set(version, known);
    const [oldest] = this.#versions;
    if (this.#versions.size <= maxVersions || !oldest) return;
    this.#versions.delete(oldest[0]);
    this.#give(oldest[1], undefined);
  }

  /** Undefined: nothing was learned of it, or nothing that would be worth a zygote. */
  of(version: string, script: string): Preload | undefined {
    const known = this.#versions.get(version);
    return known?.scripts.has(script) ? known.preload : undefined;
  }

  #give(known: Learned, preload: Preload | undefined): void {
    const former = known.preload?.key;
    known.preload = preload;
    if (former === undefined) return;
    const isUsed = [...this.#versions.values()].some((other) => other.preload?.key === former);
    if (!isUsed) this.#unused(former);
  }
}
