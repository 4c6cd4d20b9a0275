import { extname } from "node:path";
import type { Problem } from "../../foundation/errors.ts";
import type { JavaScriptRuntime } from "../../services/manifest.ts";
import { createBunRuntime } from "./bun.ts";
import { findBun } from "./find-bun.ts";
import { findPython } from "./find-python.ts";
import { sdkDirectory } from "./library.ts";
import { createNodeRuntime } from "./node.ts";
import { createPythonRuntime } from "./python.ts";
import { runTool } from "./run-tool.ts";
import type { Runtime, RuntimeProbe, RuntimeSetup } from "./runtime.ts";
import { createShellRuntime } from "./shell.ts";
import { createSqlRuntime } from "./sql.ts";

export type RuntimeName = "python" | "bun" | "node" | "sql" | "shell";

/** Every language there is. A new one is a file beside this one and a line here. */
export const runtimes = {
  python: createPythonRuntime,
  bun: createBunRuntime,
  node: createNodeRuntime,
  sql: createSqlRuntime,
  shell: createShellRuntime,
} satisfies Record<RuntimeName, (setup: RuntimeSetup) => Runtime>;

/** What a service asks for; absent: what this machine runs such scripts with. */
export interface WantedInterpreters {
  javascript?: JavaScriptRuntime | undefined;
  /** The command of a Python. */
  python?: string | undefined;
}

/** The runtimes of one executor, or of a deploy. */
export class RuntimeRegistry {
  readonly all: readonly Runtime[];
  /** What runs JavaScript and TypeScript where the manifest does not say. */
  readonly javascript: JavaScriptRuntime;
  readonly #byExtension = new Map<string, Runtime[]>();

  constructor(setup: RuntimeSetup) {
    this.javascript = setup.javascript;
    this.all = Object.values(runtimes).map((create) => create(setup));
    for (const runtime of this.all) {
      for (const extension of runtime.extensions) {
        this.#byExtension.set(extension, [...(this.#byExtension.get(extension) ?? []), runtime]);
      }
    }
  }

  /** Every file ending that runs, with the dot. */
  get extensions(): string[] {
    return [...this.#byExtension.keys()];
  }

  /** The runtime of a script, by its ending. `javascript`: as the manifest says. */
  forScript(path: string, javascript: JavaScriptRuntime = this.javascript): Runtime | undefined {
    const fitting = this.#byExtension.get(extname(path).toLowerCase()) ?? [];
    return fitting.find(({ name }) => name === javascript) ?? fitting[0];
  }

  /**
   * Syntax errors and scripts that nothing runs; empty: all may be deployed. `path` carries the line: `main.py:3`.
   * `wanted`: what the manifest asks for.
   */
  async checkScripts(directory: string, paths: readonly string[], wanted: WantedInterpreters = {}): Promise<Problem[]> {
    const problems: Problem[] = [];
    for (const path of paths.filter((path) => !this.forScript(path))) problems.push(this.#unknown(path));
    for (const runtime of this.all) {
      const own = paths.filter((path) => this.forScript(path, wanted.javascript) === runtime);
      if (own.length === 0) continue;
      const scripts = own.map((path) => ({ directory, path }));
      problems.push(...(await runtime.check(scripts, runtime.name === "python" ? wanted.python : undefined)));
    }
    return problems.sort((left, right) => (left.path < right.path ? -1 : 1));
  }

  async probe(): Promise<Record<string, RuntimeProbe>> {
    return Object.fromEntries(
      await Promise.all(this.all.map(async (runtime) => [runtime.name, await runtime.probe()])),
    );
  }

  #unknown(path: string): Problem {
    const ending = extname(path);
    const found = ending ? `files ending in '${ending}' do not run here` : "a file without an ending does not run";
    return { path, message: `${found}; scripts end in ${this.extensions.join(" ")}` };
  }
}

/** What runs JavaScript and TypeScript where the manifest does not say: as the setting says, or the quicker one there is. */
export function defaultJavaScript(setting: "auto" | JavaScriptRuntime, bunIsThere: boolean): JavaScriptRuntime {
  if (setting !== "auto") return setting;
  return bunIsThere ? "bun" : "node";
}

let shared: RuntimeRegistry | undefined;

/** For what only checks or probes and runs nothing. `searchPath`: directories with `:` between them, as in PATH. */
export function checkingRegistry(
  options: {
    python?: string | undefined;
    searchPath?: string | undefined;
    /** Scripts run as users of their own. */
    othersMustReach?: boolean;
    bun?: string | undefined;
    javascript?: JavaScriptRuntime;
  } = {},
) {
  let python: ReturnType<typeof findPython> | undefined;
  return new RuntimeRegistry({
    library: sdkDirectory,
    node: process.execPath,
    runTool,
    findPython: () => (python ??= findPython({ wanted: options.python, othersMustReach: false, ...options })),
    findBun: () => findBun(options.bun),
    javascript: options.javascript ?? "bun",
  });
}

/** As `RuntimeRegistry.checkScripts`, with the system's own interpreters. */
export async function checkScripts(
  directory: string,
  paths: readonly string[],
  wanted?: WantedInterpreters,
): Promise<Problem[]> {
  shared ??= checkingRegistry();
  return shared.checkScripts(directory, paths, wanted);
}
