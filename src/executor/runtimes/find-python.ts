import { realpath } from "node:fs/promises";
import { PlatformError } from "../../foundation/errors.ts";
import { isReachable } from "../isolation/reachable.ts";
import { runTool } from "./run-tool.ts";

export interface PythonInterpreter {
  /** The real interpreter: a version manager's shim costs 100 ms at every start. */
  command: string;
  version: string;
  /** Where it and its standard library lie. */
  prefixes: string[];
}

/** The oldest Python that runs what the platform starts scripts with (`requires-python` of sdk/python/pyproject.toml). */
export const oldestPython = "3.9";

const ask =
  "import sys, os, json; print(json.dumps([os.path.realpath(sys.executable) if sys.prefix == sys.base_prefix else sys.executable, '%d.%d.%d' % sys.version_info[:3], [sys.prefix, sys.base_prefix, os.path.dirname(os.__file__)]]))";

/**
 * The interpreter that scripts run with, found once: `wanted`, else `python3` of the search path, else the
 * system's. `othersMustReach` passes over one that a script's own user cannot use. Rejects with
 * `unavailable`, saying what was tried.
 */
export async function findPython(options: {
  wanted?: string | undefined;
  searchPath?: string | undefined;
  othersMustReach: boolean;
}): Promise<PythonInterpreter> {
  const onPath = (options.searchPath ?? "").split(":").filter(Boolean);
  const named = [...onPath.map((directory) => `${directory}/python3`), "/usr/local/bin/python3", "/usr/bin/python3"];
  const candidates = options.wanted ? [options.wanted] : [...new Set(named)];
  const tried: string[] = [];
  const seen = new Set<string>();
  for (const candidate of candidates) {
    const real = await realpath(candidate).catch(() => undefined);
    if (real === undefined && !options.wanted) continue;
    if (real !== undefined && seen.has(real)) continue;
    if (real !== undefined) seen.add(real);
    const found = await probe(candidate).catch((error: Error) => error);
    if (found instanceof Error) tried.push(found.message);
    else if (!options.othersMustReach || (await isUsableByAll(found))) return found;
    else tried.push(`'${found.command}' cannot be reached by a script's own user`);
  }
  const why = tried.length > 0 ? tried.join("; ") : "no python3 on the search path nor in /usr/bin";
  throw new PlatformError("unavailable", `no usable Python 3: ${why}`);
}

/** One named interpreter; undefined where there is none. Rejects with `unavailable` where scripts cannot use it. */
export async function usablePython(
  candidate: string,
  othersMustReach: boolean,
): Promise<PythonInterpreter | undefined> {
  if ((await realpath(candidate).catch(() => undefined)) === undefined) return undefined;
  const found = await probe(candidate);
  if (!othersMustReach || (await isUsableByAll(found))) return found;
  throw new PlatformError("unavailable", `'${found.command}' cannot be reached by a script's own user`);
}

async function probe(candidate: string): Promise<PythonInterpreter> {
  const [command, version, prefixes] = JSON.parse(await runTool(candidate, ["-I", "-c", ask]));
  if (isOlder(version, oldestPython)) {
    throw new PlatformError(
      "unavailable",
      `'${candidate}' is Python ${version}; scripts need ${oldestPython} or later`,
    );
  }
  return { command, version, prefixes: [...new Set(prefixes as string[])] };
}

function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, "en", { numeric: true }) < 0;
}

async function isUsableByAll({ command, prefixes }: PythonInterpreter): Promise<boolean> {
  const reachable = await Promise.all(prefixes.map((prefix) => isReachable(prefix, "read")));
  return reachable.every(Boolean) && (await isReachable(command, "execute"));
}
