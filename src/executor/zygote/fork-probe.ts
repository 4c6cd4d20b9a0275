import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../foundation/errors.ts";
import type { PythonInterpreter } from "../runtimes/find-python.ts";
import { sdkDirectory } from "../runtimes/library.ts";
import { pythonFlags } from "../runtimes/python.ts";
import { runTool } from "../runtimes/run-tool.ts";
import { Zygotes } from "./zygotes.ts";

const program = fileURLToPath(new URL("./zygote.py", import.meta.url));

/** Whether runs can be forked from a warm interpreter; where they cannot, each script is started anew. */
export type ForkProbe = { forks: true; python: PythonInterpreter } | { forks: false; why: string; fix: string };

/** What a zygote would need is tried: all but its socket. `fork`: the setting. Leaves nothing behind. */
export async function probeFork(
  fork: "auto" | "off",
  findPython: () => Promise<PythonInterpreter>,
): Promise<ForkProbe> {
  if (fork === "off")
    return { forks: false, why: "the setting executor.fork is off", fix: "set executor.fork to auto" };
  if (!Zygotes.supported)
    return {
      forks: false,
      why: "the kernel does not tell a process of its children, as Linux does in /proc",
      fix: "run the platform on Linux, with /proc mounted",
    };
  let python: PythonInterpreter;
  try {
    python = await findPython();
  } catch (error) {
    const fix = "install Python 3, or say where it is (executor.python)";
    return { forks: false, why: `there is no Python to fork from: ${messageOf(error)}`, fix };
  }
  try {
    await runTool(python.command, [...pythonFlags, program, "--probe", join(sdkDirectory, "python")]);
    return { forks: true, python };
  } catch (error) {
    // Of a traceback the last line says what it was.
    const why = messageOf(error).trim().split("\n").at(-1) ?? "";
    const fix = `install the whole of Python's standard library, or name another interpreter (executor.python)`;
    return { forks: false, why: `a warm '${python.command}' cannot be started: ${why}`, fix };
  }
}
