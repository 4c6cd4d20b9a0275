import { realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Clock } from "../../foundation/clock.ts";
import { sha256 } from "../../foundation/hash.ts";
import type { Isolation } from "../isolation/isolation.ts";
import { isReachable } from "../isolation/reachable.ts";
import type { Launcher, LaunchRequest } from "../launcher/launcher.ts";
import type { PythonInterpreter } from "../runtimes/find-python.ts";
import type { DependencySettings } from "./dependency-settings.ts";
import { EnvironmentStore } from "./environment-store.ts";
import { Environments } from "./environments.ts";
import { Installer, type ToolSurroundings } from "./installer.ts";
import { PackageToolbox } from "./package-toolbox.ts";

export interface DependencyOptions {
  settings: DependencySettings & { directory?: string | undefined };
  surroundings: ToolSurroundings;
}

const asToolsDoIt: DependencyOptions = {
  settings: { pythonTool: "auto", offline: false, sourceBuilds: true, npmScripts: false, timeoutMs: 600_000 },
  surroundings: { variables: {}, configuration: {}, credentials: [] },
};

/** The environments of one executor. Makes nothing yet. */
export async function openEnvironments(options: {
  dependencies?: DependencyOptions | undefined;
  dataDirectory: string;
  isolation: Isolation;
  /** The user that installs packages, where scripts have users: none of them ever runs as that one. */
  installer: number | undefined;
  node: string;
  searchPath?: string | undefined;
  clock: Clock;
  launcher: Launcher<LaunchRequest>;
  findPython(): Promise<PythonInterpreter>;
  adopt(python: PythonInterpreter): Promise<void>;
}): Promise<Environments> {
  const { clock, launcher, dataDirectory, isolation, installer } = options;
  const { settings, surroundings } = options.dependencies ?? asToolsDoIt;
  const othersMustReach = isolation.kind === "own-user";
  const { timeoutMs, findLinks } = settings;
  return new Environments({
    clock,
    settings,
    store: new EnvironmentStore(await directoryOf(settings.directory, dataDirectory, othersMustReach), clock),
    toolbox: new PackageToolbox({ ...options, settings, othersMustReach }),
    installer: new Installer({
      launcher,
      isolation,
      installer,
      dataDirectory,
      surroundings,
      timeoutMs,
      findLinks,
    }),
  });
}

/** They are dear to make, so they lie where nothing is tidied up. */
async function directoryOf(
  wanted: string | undefined,
  dataDirectory: string,
  othersMustReach: boolean,
): Promise<string> {
  const data = resolve(dataDirectory);
  if (wanted !== undefined) return resolve(wanted);
  if (!othersMustReach || (await isReachable(await realpath(data), "traverse"))) return join(data, "environments");
  return `/var/lib/streamzero-fx/environments-${sha256(data).slice(0, 12)}`;
}
