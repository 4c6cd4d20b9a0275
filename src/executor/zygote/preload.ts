/** Modules to be imported ahead. */
export interface Preload {
  /** Equal lists have the same. */
  key: string;
  names: readonly string[];
  /** Told of the first zygote that was begun for it. Undefined: it could not be started. */
  judge(found: Preloaded | undefined): void;
}

/** What came of it, as the zygote says (preload.py). */
export interface Preloaded {
  /** False: so little was brought that the plain one does as well. */
  isWorthIt: boolean;
  /** Names that it does not hold: they are no modules, are not the interpreter's own, or are not safe to fork. */
  refused: readonly string[];
}
