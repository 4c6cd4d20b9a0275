import { fileURLToPath } from "node:url";
import { messageOf } from "../../foundation/errors.ts";
import type { PythonInterpreter } from "../runtimes/find-python.ts";
import { runTool } from "../runtimes/run-tool.ts";

const tool = fileURLToPath(new URL("./sandbox.py", import.meta.url));

export interface SandboxHindrance {
  why: string;
  /** What to do about it. */
  fix: string;
}

/** Why scripts cannot be put into a sandbox on this machine; undefined: they can. `uid`: of a script's own user, where it has one. */
export async function sandboxHindrance(
  findPython: () => Promise<PythonInterpreter>,
  uid: number | undefined,
): Promise<SandboxHindrance | undefined> {
  if (process.platform !== "linux") return { why: "a sandbox needs Linux", fix: "run the platform on Linux" };
  try {
    const { command } = await findPython();
    return JSON.parse(await runTool(command, ["-I", "-S", "-B", tool, "--probe", String(uid ?? -1)])) ?? undefined;
  } catch (error) {
    const fix = "install Python 3, or say where it is (executor.python)";
    return { why: `a sandbox needs Python: ${messageOf(error)}`, fix };
  }
}
