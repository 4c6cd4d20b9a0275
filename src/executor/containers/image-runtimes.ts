import type { Interpreter } from "../../services/elsewhere.ts";
import { createBunRuntime } from "../runtimes/bun.ts";
import { createNodeRuntime } from "../runtimes/node.ts";
import { createPythonRuntime } from "../runtimes/python.ts";
import type { Runtime, RuntimeCommand, RuntimeSetup } from "../runtimes/runtime.ts";
import { places } from "./places.ts";

/** Interpreters of an image, by the names under which its search path has them. */
const ofImage: RuntimeSetup = {
  library: places.sdk,
  node: "node",
  findPython: async () => ({ command: "python3", version: "", prefixes: [] }),
  findBun: async () => ({ command: "bun", version: "" }),
  javascript: "node",
};
const runtimes: Record<Interpreter, Runtime> = {
  python: createPythonRuntime(ofImage),
  node: createNodeRuntime(ofImage),
  bun: createBunRuntime(ofImage),
};

/** What starts a script of the service in an image: as on the executor's machine, by the image's own interpreter. */
export async function commandInImage(interpreter: Interpreter, script: string): Promise<RuntimeCommand> {
  const runtime = runtimes[interpreter];
  await runtime.resolve();
  return runtime.command({ directory: places.service, path: script });
}
