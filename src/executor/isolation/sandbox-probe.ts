import { fileURLToPath } from "node:url";
import { messageOf } from "../../foundation/errors.ts";
import type { PythonInterpreter } from "../runtimes/find-python.ts";
import { runTool } from "../runtimes/run-tool.ts";

const tool = fileURLToPath(new URL("./sandbox.py", import.meta.url));

/** Why scripts cannot be put into a sandbox on this machine; undefined: they can. `uid`: of a script's own user, where it has one. */
export async function sandboxHindrance(
  findPython: () => Promise<PythonInterpreter>,
  uid: number | undefined,
): Promise<string | undefined> {
  if (process.platform !== "linux") return "a sandbox needs Linux";
  try {
    const { command } = await findPython();
    const answer = (await runTool(command, ["-I", "-S", "-B", tool, "--probe", String(uid ?? -1)])).trim();
    return answer === "yes" ? undefined : `the kernel refuses a part of the sandbox: ${answer}`;
  } catch (error) {
    return `a sandbox needs Python: ${messageOf(error)}`;
  }
}
