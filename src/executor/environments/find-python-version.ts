import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { PlatformError } from "../../foundation/errors.ts";
import { type PythonInterpreter, usablePython } from "../runtimes/find-python.ts";
import { runTool } from "../runtimes/run-tool.ts";

export interface PythonSearch {
  searchPath?: string | undefined;
  othersMustReach: boolean;
  /** Knows of further interpreters, where it is there. */
  uv?: string | undefined;
  /** The interpreter of services that ask for none; undefined where there is none. */
  standard?: PythonInterpreter | undefined;
}

/**
 * The interpreter of a version such as "3.11" or "3.11.4": the standard one where it fits, else `python3.11` of the
 * search path and of the system's directories, else what uv has installed. Rejects with `invalid-input`, naming the
 * versions that are here.
 */
export async function findPythonVersion(wanted: string, search: PythonSearch): Promise<PythonInterpreter> {
  const { standard } = search;
  if (standard && fits(standard.version, wanted)) return standard;
  const minor = wanted.split(".").slice(0, 2).join(".");
  const named = directoriesOf(search).map((directory) => join(directory, `python${minor}`));
  const known = search.uv ? await askUv(search.uv, wanted) : undefined;
  const hindrances: string[] = [];
  for (const candidate of known ? [...named, known] : named) {
    const found = await usablePython(candidate, search.othersMustReach).catch((error: Error) => error);
    if (found === undefined) continue;
    if (found instanceof Error) hindrances.push(found.message.split("\n", 1)[0] ?? "");
    else if (fits(found.version, wanted)) return found;
  }
  const here = await versionsHere(search);
  const there = here.length > 0 ? `there are ${here.join(", ")}` : "there is no other";
  const why = hindrances.length > 0 ? ` (${[...new Set(hindrances)].join("; ")})` : "";
  throw new PlatformError(
    "invalid-input",
    `no Python ${wanted} that scripts can use is on this machine${why}; ${there}`,
  );
}

/** Versions that services can ask for. */
export async function versionsHere(search: PythonSearch): Promise<string[]> {
  const found = new Set(search.standard ? [search.standard.version] : []);
  for (const directory of directoriesOf(search)) {
    const names = await readdir(directory).catch(() => []);
    for (const name of names.filter((name) => /^python3\.\d+$/.test(name))) {
      const python = await usablePython(join(directory, name), search.othersMustReach).catch(() => undefined);
      if (python) found.add(python.version);
    }
  }
  return [...found].sort((left, right) => left.localeCompare(right, "en", { numeric: true }));
}

function fits(version: string, wanted: string): boolean {
  return version === wanted || version.startsWith(`${wanted}.`);
}

function directoriesOf({ searchPath }: PythonSearch): string[] {
  return [...new Set([...(searchPath ?? "").split(":").filter(Boolean), "/usr/local/bin", "/usr/bin"])];
}

async function askUv(uv: string, wanted: string): Promise<string | undefined> {
  const path = await runTool(uv, ["python", "find", "--no-project", "--offline", wanted]).catch(() => "");
  return path.trim() || undefined;
}
