import { fileURLToPath } from "node:url";
import { messageOf } from "../../foundation/errors.ts";
import type { PythonInterpreter } from "../runtimes/find-python.ts";
import { runTool } from "../runtimes/run-tool.ts";
import type { Isolation } from "./isolation.ts";

export const landlockTool = fileURLToPath(new URL("./landlock.py", import.meta.url));

export const isRoot = process.getuid?.() === 0;

/** What can be had without root: Landlock where the kernel has it and a Python can ask for it. */
export async function chooseUnprivilegedIsolation(findPython: () => Promise<PythonInterpreter>): Promise<Isolation> {
  const fix = "Start the platform as root, or on Linux 5.13 or later with Python 3.";
  if (process.platform !== "linux") return { kind: "none", reason: "this system is not Linux", fix };
  try {
    const { command } = await findPython();
    const abi = Number(await runTool(command, ["-I", "-S", landlockTool, "--probe"]));
    if (abi > 0) return { kind: "landlock", abi, python: command };
    return { kind: "none", reason: "not root, and this kernel has no Landlock", fix };
  } catch (error) {
    return { kind: "none", reason: `not root, and Landlock needs Python: ${messageOf(error)}`, fix };
  }
}
