import type { Problem } from "../../foundation/errors.ts";

/** A language that scripts are written in. Adding one: docs/recipes/add-a-runtime.md. */
export interface Runtime {
  /** Name for people, e.g. "python". */
  name: string;
  /** File endings it runs, with the dot. */
  extensions: readonly string[];
  /** What to start for a script. The script gets its parameters over the channel, never in `args` (rule S2). */
  command(script: { directory: string; path: string }): RuntimeCommand;
  /** Finds syntax errors without running anything. Empty: none. `path` as given, with `:line`. */
  check(scripts: { directory: string; path: string }[]): Promise<Problem[]>;
  /** What the machine offers; shown by `fx doctor`. */
  probe(): Promise<RuntimeProbe>;
}

export interface RuntimeCommand {
  command: string;
  args: string[];
  env: Record<string, string>;
}

export type RuntimeProbe =
  | { available: true; command: string; version: string }
  | { available: false; reason: string; fix: string };
