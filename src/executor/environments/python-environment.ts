import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { PlatformError } from "../../foundation/errors.ts";
import { requirementsFile } from "../../services/declared-packages.ts";
import type { PythonInterpreter } from "../runtimes/find-python.ts";
import type { DependencySettings } from "./dependency-settings.ts";
import type { PythonEnvironment } from "./environment.ts";
import { homeOf, type InstallStep } from "./installer.ts";
import type { PipTool, UvTool } from "./package-tools.ts";

export type PythonTool = { kind: "uv"; uv: UvTool } | { kind: "pip"; pip: PipTool | undefined };

const prefixName = "venv";

/** What people read of it. */
export function describePythonTool(tool: PythonTool, python: PythonInterpreter): string {
  const name = tool.kind === "uv" ? `uv ${tool.uv.version}` : `pip ${tool.pip?.version ?? "of the environment"}`;
  return `${name} for Python ${python.version}`;
}

/** A virtual environment, then what requirements.txt asks for in it, wheels preferred. */
export function pythonInstallSteps(
  tool: PythonTool,
  python: PythonInterpreter,
  settings: DependencySettings,
  directory: string,
): InstallStep[] {
  const prefix = join(directory, prefixName);
  const own = join(prefix, "bin", "python");
  if (tool.kind === "uv") {
    const { command } = tool.uv;
    const common = ["--no-cache", "--no-progress", "--color", "never", "--no-python-downloads"];
    return [
      { command, args: ["venv", "--quiet", ...common, "--no-project", "--python", python.command, prefix] },
      {
        command,
        env: addressedBy("UV_DEFAULT_INDEX", settings),
        args: [
          ...["pip", "install", ...common, "--python", own, "--link-mode", "copy", "--compile-bytecode"],
          ...(settings.offline ? ["--no-index"] : []),
          ...(settings.findLinks ? ["--find-links", settings.findLinks] : []),
          ...(settings.sourceBuilds ? [] : ["--no-build"]),
          ...["--requirement", requirementsFile],
        ],
      },
    ];
  }
  const serves = tool.pip?.servesOthers === true;
  const pip = serves ? [python.command, "-I", "-m", "pip", "--python", own] : [own, "-I", "-m", "pip"];
  const [command = own, ...args] = pip;
  // Its output does not say that an index answered with an error: to pip that index has nothing.
  const log = join(homeOf(directory), "pip.log");
  return [
    { command: python.command, args: ["-I", "-m", "venv", ...(serves ? ["--without-pip"] : []), prefix] },
    {
      command,
      env: addressedBy("PIP_INDEX_URL", settings),
      log,
      args: [
        ...args,
        ...["install", "--no-input", "--no-color", "--disable-pip-version-check", "--no-cache-dir"],
        ...["--progress-bar", "off", "--prefer-binary", "--log", log],
        ...(settings.offline ? ["--no-index"] : []),
        ...(settings.findLinks ? ["--find-links", settings.findLinks] : []),
        ...(settings.sourceBuilds ? [] : ["--only-binary", ":all:"]),
        ...["--requirement", requirementsFile],
      ],
    },
  ];
}

/** It may hold a password, and everybody on a machine can read a command line. */
function addressedBy(variable: string, { indexUrl }: DependencySettings): Record<string, string> {
  return indexUrl === undefined ? {} : { [variable]: indexUrl };
}

/** What was installed, as scripts are started with it. */
export async function readPythonEnvironment(directory: string, python: PythonInterpreter): Promise<PythonEnvironment> {
  const prefix = join(directory, prefixName);
  const names = await readdir(join(prefix, "lib")).catch(() => []);
  const sitePackages = names
    .filter((name) => name.startsWith("python"))
    .map((name) => join(prefix, "lib", name, "site-packages"));
  if (sitePackages.length === 0) {
    throw new PlatformError(
      "corrupt",
      `'${prefix}' is no virtual environment; remove '${directory}' to have it made again`,
    );
  }
  return { command: join(prefix, "bin", "python"), base: python.command, prefix, sitePackages };
}
