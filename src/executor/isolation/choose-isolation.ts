import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../foundation/errors.ts";
import type { PythonInterpreter } from "../runtimes/find-python.ts";
import { runTool } from "../runtimes/run-tool.ts";
import type { Isolation } from "./isolation.ts";
import { firstUids } from "./run-users.ts";

export const landlockTool = fileURLToPath(new URL("./landlock.py", import.meta.url));

/** Whether this process may start others as the user `uid`: root can, unless its namespace knows no such user. */
async function canSwitchUser(uid: number): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  return new Promise((resolve) => {
    const trial = spawn("/bin/sh", ["-c", ":"], { uid, gid: uid, stdio: "ignore", cwd: "/", env: {} });
    trial.on("error", () => resolve(false));
    trial.on("close", (code) => resolve(code === 0));
  });
}

/** The first user id that scripts can have, `wanted` or one of those that nobody else uses; undefined: they can have none. */
export async function firstUserOf(wanted: number | undefined): Promise<number | undefined> {
  for (const uid of wanted === undefined ? firstUids : [wanted]) if (await canSwitchUser(uid)) return uid;
  return undefined;
}

/** What can be had without root: Landlock where the kernel has it and a Python can ask for it. */
export async function chooseUnprivilegedIsolation(
  wanted: "auto" | "require" | "off",
  findPython: () => Promise<PythonInterpreter>,
): Promise<Isolation> {
  if (wanted === "off") return { kind: "none", reason: "switched off", fix: "Set the executor's isolation to auto." };
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
