import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { bareCommand } from "./interpreters.ts";
import type { Language } from "./scripts.ts";

const program = path.join(import.meta.dirname, "../contenders/bare-spawn.ts");

/** Runs the language's script so often without the platform. */
export async function bareRuns(
  language: Language,
  directory: string,
  runs: number,
  atATime: number,
): Promise<{ elapsedMs: number; firstLineMs: number[] }> {
  mkdirSync(directory, { recursive: true });
  const script = path.join(directory, language.file);
  writeFileSync(script, language.source());
  const { command, args } = await bareCommand(language, script);
  const { stdout } = await promisify(execFile)(process.execPath, [program, `${runs}`, `${atATime}`, command, ...args]);
  return JSON.parse(stdout);
}
