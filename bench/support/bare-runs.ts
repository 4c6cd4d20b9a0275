import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { bareCommand } from "./interpreters.ts";
import type { Language } from "./scripts.ts";

const warm = path.join(import.meta.dirname, "../contenders/bare_warm.py");
const zygote = path.join(import.meta.dirname, "../contenders/bare_zygote.py");
const drivenZygote = path.join(import.meta.dirname, "../contenders/driven_zygote.py");
const driver = path.join(import.meta.dirname, "../contenders/driven-zygote.ts");
/** Any that is nobody's: the children of the loop change to it, as the platform's do. */
const childUid = 60_999;
const program = path.join(import.meta.dirname, "../contenders/bare-spawn.ts");

/** A script and what runs it, without the platform. */
type Bare = Pick<Language, "runtime" | "file"> & { source(): string };

/** Runs the language's script so often without the platform. */
export async function bareRuns(
  language: Bare,
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

/**
 * Forks the script from a warm interpreter so often; nothing of the platform, and no language but Python. `driven`: the interpreter is asked
 * for each run, with its parameters, by a small Node process, which gets its output, and gives it limits; else it counts by itself.
 */
export async function bareForks(
  language: Bare,
  directory: string,
  runs: number,
  atATime: number,
  driven: boolean,
): Promise<{ elapsedMs: number }> {
  mkdirSync(directory, { recursive: true });
  const script = path.join(directory, language.file);
  writeFileSync(script, language.source());
  const { command } = await bareCommand(language, script);
  const uid = process.getuid?.() === 0 ? `${childUid}` : "-1";
  const flags = ["-I", "-B", "-X", "utf8"];
  const count = [`${runs}`, `${atATime}`];
  const { stdout } = driven
    ? await promisify(execFile)(process.execPath, [driver, ...count, command, ...flags, drivenZygote, script, uid])
    : await promisify(execFile)(command, [...flags, zygote, ...count, script, uid]);
  return JSON.parse(stdout);
}

/** Runs the script so often in warm interpreters, so many of them; nothing of the platform, and no language but Python. */
export async function bareWarm(
  language: Bare,
  directory: string,
  runs: number,
  processes: number,
): Promise<{ elapsedMs: number }> {
  mkdirSync(directory, { recursive: true });
  const script = path.join(directory, language.file);
  writeFileSync(script, language.source());
  const { command } = await bareCommand(language, script);
  const words = [warm, `${runs}`, `${processes}`, script];
  return JSON.parse((await promisify(execFile)(command, ["-I", "-B", "-X", "utf8", ...words])).stdout);
}
