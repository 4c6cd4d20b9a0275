import type { Problem } from "../../foundation/errors.ts";
import type { JavaScriptRuntime } from "../../services/manifest.ts";
import type { Environment } from "../environments/environment.ts";
import type { BunInterpreter } from "./find-bun.ts";
import type { PythonInterpreter } from "./find-python.ts";
import type { RunTool } from "./run-tool.ts";

/** A language that scripts are written in. Adding one: docs/recipes/add-a-runtime.md. */
export interface Runtime {
  /** Name for people, e.g. "python". */
  name: string;
  /** File endings it runs, with the dot. */
  extensions: readonly string[];
  /** Its steps reach the databases of their project, and nothing else of the project's: they get a directory and a group for it. */
  usesDatabases?: boolean;
  /** Its scripts can be forked from a warm interpreter instead of started anew; answers the interpreter, once resolved. */
  forkedFrom?(environment?: Environment): string;
  /** Its process can wait for its run: what it is to run it hears on its channel. */
  canWait?: true;
  /** Finds its interpreter, once, before the first `command`. Rejects with `unavailable`. */
  resolve(): Promise<void>;
  /** What to start for a script. The script gets its parameters over the channel, never in `args` (rule S2). */
  command(script: { directory: string; path: string; environment?: Environment | undefined }): RuntimeCommand;
  /**
   * What to start for many runs of a script, one after the other, which speaks as `src/executor/warm/warm-message.ts` says. Without
   * it each run of the level `warm` has a process of its own.
   */
  hostCommand?(script: { directory: string; path: string; environment?: Environment | undefined }): RuntimeCommand;
  /** Absolute paths that the interpreter itself must be able to read. */
  files(): string[];
  /** Finds syntax errors without running anything, by the manifest's own interpreter where it names one. Empty: none. `path` as given, with `:line`. */
  check(scripts: { directory: string; path: string }[], interpreter?: string): Promise<Problem[]>;
  /** What the machine offers; shown by `fx doctor`. */
  probe(): Promise<RuntimeProbe>;
}

/** What every runtime is made with. */
export interface RuntimeSetup {
  /** The directory of the SDKs, readable by every script: the repository's, or a copy. */
  library: string;
  /** The Node that scripts run on, executable by every script. */
  node: string;
  /** Runs what checks syntax. */
  runTool: RunTool;
  findPython: () => Promise<PythonInterpreter>;
  /** The Bun that scripts run on, executable by every script. */
  findBun: () => Promise<BunInterpreter>;
  /** What runs the JavaScript and TypeScript of a service that does not say. */
  javascript: JavaScriptRuntime;
}

export interface RuntimeCommand {
  command: string;
  args: string[];
  env: Record<string, string>;
  /**
   * What the interpreter claims of memory at its start and never uses. The kernel counts it, so its limit lies higher by so
   * much; who passes the true one is seen to within a tenth of a second.
   */
  setAsideBytes: number;
  /** Where it waits for its run, it does so on a connection that is dialled for it, the descriptor that FX_WAIT names. */
  waitsOnDescriptor?: true;
}

export type RuntimeProbe =
  | { available: true; command: string; version: string }
  | { available: false; reason: string; fix: string };
