import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { findPython } from "../../../src/executor/runtimes/find-python.ts";

const run = promisify(execFile);
const root = process.env.BENCH_PEERS_CACHE ?? path.join(os.homedir(), ".cache/streamzero-fx/peers");
const peers = path.join(import.meta.dirname, "..");

/** Where a contender's packages are, outside the tree. */
export function cacheOf(name: string): string {
  return path.join(root, name);
}

/** Lays the files of `bench/peers/<folder>`, and those that all share, beside the packages that they import. */
export function layFiles(name: string, folder: string = name): string {
  for (const from of ["shared", folder]) {
    const files = readdirSync(path.join(peers, from)).filter((file) => !file.endsWith(".ts") && file !== "__pycache__");
    for (const file of files) cpSync(path.join(peers, from, file), path.join(cacheOf(name), file), { recursive: true });
  }
  return cacheOf(name);
}

/** A virtual environment of the interpreter that the platform uses, with these requirements: `celery[redis]==5.7.0`. */
export async function pythonPackages(name: string, requirements: readonly string[]): Promise<string> {
  return await once(name, requirements, async (folder) => {
    const { command } = await findPython({ searchPath: process.env.PATH, othersMustReach: process.getuid?.() === 0 });
    await tool(command, ["-m", "venv", folder]);
    await tool(pythonOf(name), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...requirements]);
  });
}

export function pythonOf(name: string): string {
  return path.join(cacheOf(name), "bin/python");
}

/**
 * A package manifest of its own, with these packages at these versions; `overrides` are versions of what they depend on. No
 * script of a package is run.
 */
export async function nodePackages(
  name: string,
  packages: Record<string, string>,
  overrides: Record<string, string> = {},
): Promise<string> {
  const wanted = Object.entries(packages).map(([of, version]) => `${of} ${version}`);
  return await once(name, wanted, async (folder) => {
    const manifest = { private: true, type: "module", dependencies: packages, overrides };
    writeFileSync(path.join(folder, "package.json"), JSON.stringify(manifest, undefined, 2));
    await tool("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder);
  });
}

/** A Go program, built of `bench/peers/<folder>/<file>` in a module that `lay` describes. */
export async function goProgram(name: string, wanted: string, lay: (folder: string) => void): Promise<string> {
  return await once(name, [wanted], async (folder) => {
    lay(folder);
    await tool("go", ["build", "-mod=mod", "-o", name, "."], folder);
  });
}

/** Installs once for each list of what is wanted; what a broken attempt has left is cleared away first. */
async function once(name: string, wanted: readonly string[], make: (folder: string) => Promise<void>): Promise<string> {
  const folder = cacheOf(name);
  const mark = path.join(folder, "installed");
  const words = wanted.join(", ");
  if (existsSync(mark) && readFileSync(mark, "utf8") === words) return words;
  console.error(`installing ${words} in ${folder}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await make(folder);
  writeFileSync(mark, words);
  return words;
}

/** Rejects with the last words of a command that fails. */
export async function tool(
  command: string,
  args: readonly string[],
  cwd: string = process.cwd(),
  more: Record<string, string> = {},
): Promise<string> {
  try {
    // npm chooses versions that fit the Node it runs on; that is this one.
    const env = { ...process.env, PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`, ...more };
    const { stdout } = await run(command, args, { cwd, env, maxBuffer: 2 ** 28 });
    return stdout.trim();
  } catch (error) {
    const { stderr = "", message } = error as Error & { stderr?: string };
    throw new Error(`${command} ${args.join(" ")}: ${(stderr.trim() || message).slice(-1500)}`);
  }
}
