import type { WorldOptions } from "./options.ts";

/** A change of the product's source that breaks a rule. */
export interface PlantedBug {
  /** The rule of the delivery design that it breaks. */
  rule: string;
  name: string;
  edits: readonly Edit[];
  /** What the worlds it is hunted in have in common, so that it is met soon. */
  given?: Partial<WorldOptions>;
}

export interface Edit {
  /** Below src. */
  file: string;
  /** Occurs in the file exactly once: a bug that no longer fits the source must be noticed. */
  find: string;
  replace: string;
}

/** Throws where an edit does not apply exactly once. */
export function plantInto(source: string, edits: readonly Edit[]): string {
  let planted = source;
  for (const { file, find, replace } of edits) {
    const found = planted.split(find).length - 1;
    if (found !== 1) throw new Error(`the planted bug's text occurs ${found} times in ${file}, not once: ${find}`);
    planted = planted.replace(find, () => replace);
  }
  return planted;
}
