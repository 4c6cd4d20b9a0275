import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { type PythonInterpreter, usablePython } from "../../src/executor/runtimes/find-python.ts";

/** `directory`: with it on the search path, a manifest can ask for this Python. */
export interface OtherPython extends PythonInterpreter {
  directory: string;
}

/** A Python of another minor version than `standard`, a version; undefined where this machine has no other that runs what we start. */
export async function findOtherPython(standard: string): Promise<OtherPython | undefined> {
  for (const directory of await directories()) {
    const names = (await readdir(directory).catch(() => [])).filter((name) => /^python3\.\d+$/.test(name));
    for (const name of names) {
      const found = await usablePython(join(directory, name), false).catch(() => undefined);
      if (found && minorOf(found.version) !== minorOf(standard)) return { ...found, directory };
    }
  }
  return undefined;
}

/** "3.11" of "3.11.2". */
export function minorOf(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

async function directories(): Promise<string[]> {
  const managed = join(homedir(), ".pyenv/versions");
  const versions = await readdir(managed).catch(() => []);
  const onPath = (process.env.PATH ?? "").split(":").filter(Boolean);
  // The shims of a version manager are not what runs.
  return [...versions.sort().map((version) => join(managed, version, "bin")), ...onPath, "/usr/bin"];
}
