import { readFile, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isReachable } from "../isolation/reachable.ts";
import { runTool } from "../runtimes/run-tool.ts";

export interface ToolSearch {
  searchPath?: string | undefined;
  /** Installs run as a user of their own. */
  othersMustReach: boolean;
}

export interface UvTool {
  command: string;
  version: string;
}

export interface NpmTool {
  /** Its program, which a Node runs. */
  program: string;
  /** Where it and what it loads lie. */
  directory: string;
  /** Configuration of the machine, which it would not find by another Node than its own. */
  globalConfig: string;
  version: string;
}

export interface PipTool {
  version: string;
  /** It installs for another interpreter than its own, so that no environment needs one. */
  servesOthers: boolean;
}

export async function findUv({ searchPath, othersMustReach }: ToolSearch): Promise<UvTool | undefined> {
  for (const directory of directoriesOf(searchPath)) {
    const command = await realpath(join(directory, "uv")).catch(() => undefined);
    if (command === undefined || (othersMustReach && !(await isReachable(command, "execute")))) continue;
    const said = await runTool(command, ["--version"]).catch(() => "");
    const version = /^uv (\S+)/.exec(said)?.[1];
    if (version !== undefined) return { command, version };
  }
  return undefined;
}

/** Beside the platform's own Node, else on the search path. */
export async function findNpm({ searchPath, othersMustReach }: ToolSearch): Promise<NpmTool | undefined> {
  for (const directory of [dirname(process.execPath), ...directoriesOf(searchPath)]) {
    const program = await realpath(join(directory, "npm")).catch(() => undefined);
    if (!program?.endsWith("/bin/npm-cli.js") || (othersMustReach && !(await isReachable(program, "read")))) continue;
    const packageDirectory = dirname(dirname(program));
    const text = await readFile(join(packageDirectory, "package.json"), "utf8").catch(() => "{}");
    const { version = "unknown" } = JSON.parse(text) as { version?: string };
    const globalConfig = join(dirname(directory), "etc", "npmrc");
    return { program, directory: packageDirectory, globalConfig, version };
  }
  return undefined;
}

/** The pip of an interpreter; undefined where it has none. */
export async function findPip(python: string): Promise<PipTool | undefined> {
  const said = await runTool(python, ["-I", "-m", "pip", "--version"]).catch(() => "");
  const version = /^pip (\S+)/.exec(said)?.[1];
  if (version === undefined) return undefined;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return { version, servesOthers: major > 22 || (major === 22 && minor >= 3) };
}

/** The version of the pip that each environment can be given (ensurepip, which Debian has in python3-venv); undefined where there is none. */
export async function findBundledPip(python: string): Promise<string | undefined> {
  const said = await runTool(python, ["-I", "-c", "import ensurepip, venv; print(ensurepip.version())"]).catch(
    () => "",
  );
  return said.trim() || undefined;
}

function directoriesOf(searchPath: string | undefined): string[] {
  return [...new Set([...(searchPath ?? "").split(":").filter(Boolean), "/usr/local/bin", "/usr/bin"])];
}
