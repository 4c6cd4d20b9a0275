import path from "node:path";
import { findPython } from "../../src/executor/runtimes/find-python.ts";
import type { Language } from "./scripts.ts";

/** The interpreter that the platform starts a language's scripts with, without anything of the platform. */
export async function bareCommand({ name }: Language, script: string): Promise<{ command: string; args: string[] }> {
  if (name === "TypeScript") return { command: process.execPath, args: [script] };
  const searchPath = (process.env.PATH ?? "").split(path.delimiter).join(":");
  const { command } = await findPython({ searchPath, othersMustReach: process.getuid?.() === 0 });
  return { command, args: ["-I", script] };
}
