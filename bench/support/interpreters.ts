import path from "node:path";
import { findBun } from "../../src/executor/runtimes/find-bun.ts";
import { findPython } from "../../src/executor/runtimes/find-python.ts";
import type { Language } from "./scripts.ts";

/** The interpreter that the platform starts a language's scripts with, without anything of the platform. */
export async function bareCommand(
  { runtime }: Pick<Language, "runtime">,
  script: string,
): Promise<{ command: string; args: string[] }> {
  if (runtime === "node") return { command: process.execPath, args: [script] };
  if (runtime === "bun") return { command: (await findBun(undefined)).command, args: [script] };
  const searchPath = (process.env.PATH ?? "").split(path.delimiter).join(":");
  const { command } = await findPython({ searchPath, othersMustReach: process.getuid?.() === 0 });
  return { command, args: ["-I", script] };
}
