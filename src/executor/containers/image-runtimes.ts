import { join } from "node:path";
import type { Interpreter } from "../../services/elsewhere.ts";
import { closedFlags, createBunRuntime } from "../runtimes/bun.ts";
import { createNodeRuntime } from "../runtimes/node.ts";
import { createPythonRuntime } from "../runtimes/python.ts";
import { runTool } from "../runtimes/run-tool.ts";
import type { Runtime, RuntimeCommand, RuntimeSetup } from "../runtimes/runtime.ts";
import { places } from "./places.ts";

/** Interpreters of an image, by the names under which its search path has them. */
const ofImage: RuntimeSetup = {
  library: places.sdk,
  node: "node",
  runTool,
  findPython: async () => ({ command: "python3", version: "", prefixes: [] }),
  findBun: async () => ({ command: "bun", version: "" }),
  javascript: "node",
};
const runtimes: Record<Interpreter, Runtime> = {
  python: createPythonRuntime(ofImage),
  node: createNodeRuntime(ofImage),
  bun: createBunRuntime(ofImage),
};

/** The first process, which is ours: the kernel keeps signals from that one, so that the script is its child. */
interface FirstProcess {
  /** It with its threads, at most; they are no part of the script's limit. */
  processes: number;
  /** Makes of what starts a script what starts it as a child. */
  before(script: RuntimeCommand): RuntimeCommand;
}

const sdk = join(places.sdk, "typescript", "src");
const starter = join(sdk, "first.cjs");
const firstProcesses: Record<Interpreter, FirstProcess> = {
  // Forks before anything of the script is there: an interpreter of its own would cost a start.
  python: { processes: 1, before: (script) => ({ ...script, env: { ...script.env, FX_FIRST: "1" } }) },
  node: { processes: 8, before: (script) => ({ ...script, args: ["--v8-pool-size=0", starter, ...script.args] }) },
  bun: { processes: 8, before: (script) => ({ ...script, args: [...closedFlags(sdk), starter, ...script.args] }) },
};

export interface ImageCommand extends RuntimeCommand {
  /** Processes and threads beside the script's. */
  ownProcesses: number;
}

/** What starts a script of the service in an image: as on the executor's machine, by the image's own interpreter. */
export async function commandInImage(interpreter: Interpreter, script: string): Promise<ImageCommand> {
  const runtime = runtimes[interpreter];
  await runtime.resolve();
  const { before, processes } = firstProcesses[interpreter];
  return { ...before(runtime.command({ directory: places.service, path: script })), ownProcesses: processes };
}
