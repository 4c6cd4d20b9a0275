import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../foundation/errors.ts";
import { oldestPython, type PythonInterpreter } from "./find-python.ts";
import { type RunTool, runTool } from "./run-tool.ts";
import type { Runtime, RuntimeSetup } from "./runtime.ts";

const checker = fileURLToPath(new URL("./check.py", import.meta.url));

/** PYTHON* variables, the user's own packages and writing of bytecode are off: a run depends on its version alone. */
export const pythonFlags = ["-I", "-B", "-X", "utf8"];

export function createPythonRuntime({ findPython, library, runTool }: RuntimeSetup): Runtime {
  const sdk = join(library, "python");
  let found: PythonInterpreter | undefined;
  return {
    name: "python",
    extensions: [".py"],
    canWait: true,
    async resolve() {
      found = await findPython();
    },
    forkedFrom(environment) {
      if (!found) throw new Error("the Python runtime was not resolved");
      // Never the environment's own: the start of that one runs code of its packages (*.pth), and a warm one is the platform's.
      return environment?.python?.base ?? found.command;
    },
    command({ environment }) {
      if (!found) throw new Error("the Python runtime was not resolved");
      const { command, prefix } = environment?.python ?? { command: found.command, prefix: undefined };
      const start = `import sys; sys.path.insert(0, ${JSON.stringify(sdk)}); import fx_bootstrap; fx_bootstrap.main()`;
      // For a process that was forked from the interpreter below; in one of its own it is so already.
      const env: Record<string, string> = prefix === undefined ? {} : { FX_PREFIX: prefix };
      return { command, args: [...pythonFlags, "-c", start], env, setAsideBytes: 0 };
    },
    hostCommand(script) {
      const { env, ...command } = this.command(script);
      return { ...command, env: { ...env, FX_WARM: "1" } };
    },
    files: () => found?.prefixes.concat(found.command) ?? [],
    async check(scripts, interpreter) {
      const command = interpreter ?? (found ?? (await findPython())).command;
      const files = scripts.map(({ directory, path }) => ({ path, file: join(directory, path) }));
      return JSON.parse(await runTool(command, [...pythonFlags, "-S", checker], JSON.stringify(files)));
    },
    async probe() {
      try {
        const { command, version } = await findPython();
        return { available: true, command, version };
      } catch (error) {
        const fix = `Install Python ${oldestPython} or later for all users (Debian: apt-get install python3), or set its path.`;
        return { available: false, reason: messageOf(error), fix };
      }
    },
  };
}

/** Compiles what a service imports and runs once, so that no run does. What cannot be compiled is left to the run, which says why. */
export async function compilePythonScripts(python: PythonInterpreter, directory: string, run: RunTool): Promise<void> {
  // Anew at every start: what an earlier one wrote may have been cut short with the power.
  const args = ["-I", "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash", resolve(directory)];
  await run(python.command, args).catch(() => {});
}

/** Compiles the SDK once, so that no start does. */
export async function compilePythonLibrary(python: PythonInterpreter, library: string): Promise<void> {
  const args = ["-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", join(library, "python")];
  await runTool(python.command, args);
}
