import { PlatformError } from "../foundation/errors.ts";
import { DatabaseArea } from "./database-area.ts";
import type { Environments } from "./environments/environments.ts";
import { openEnvironments } from "./environments/open-environments.ts";
import { Furniture } from "./furniture.ts";
import { chooseUnprivilegedIsolation, firstUserOf } from "./isolation/choose-isolation.ts";
import { type ControlGroups, prepareControlGroups } from "./isolation/control-groups.ts";
import { describeIsolation, type Isolation } from "./isolation/isolation.ts";
import { RunUsers } from "./isolation/run-users.ts";
import { launchedTools } from "./launcher/launched-tools.ts";
import type { LauncherClient } from "./launcher/launcher-client.ts";
import type { ProcessStepRunnerOptions } from "./process-runner-options.ts";
import { RunRoot } from "./run-root.ts";
import { findPython, type PythonInterpreter } from "./runtimes/find-python.ts";
import { compilePythonLibrary } from "./runtimes/python.ts";
import { defaultJavaScript, RuntimeRegistry } from "./runtimes/registry.ts";

/** What scripts of one executor run in, with and within. */
export interface RunnerParts {
  runRoot: RunRoot;
  furniture: Furniture;
  runtimes: RuntimeRegistry;
  isolation: Isolation;
  /** Where scripts have users of their own. */
  users: RunUsers | undefined;
  controlGroups: ControlGroups;
  databases: DatabaseArea;
  environments: Environments;
  findPython(): Promise<PythonInterpreter>;
}

/**
 * Finds out what this machine offers, and lays out what scripts need. A missing interpreter is no error here. Rejects with
 * `unavailable` when isolation is required and there is none.
 */
export async function openRunnerParts(
  options: ProcessStepRunnerOptions,
  launcher: LauncherClient,
): Promise<RunnerParts> {
  const { dataDirectory, runDirectory: path } = options;
  const firstUid = options.isolation === "off" ? undefined : await firstUserOf(options.firstUid);
  const othersMustReach = firstUid !== undefined;
  const python = findPython({ wanted: options.python, searchPath: options.searchPath, othersMustReach });
  python.catch(() => {});
  const runRoot = await RunRoot.open({ dataDirectory, path, othersMustReach });
  const furniture = await Furniture.lay({ runRoot, othersMustReach, bun: options.bun, python });
  const { library, node, bun } = furniture;
  const runtimes = new RuntimeRegistry({
    library,
    node,
    runTool: launchedTools(launcher),
    findPython: () => python,
    findBun: async () => {
      if (bun instanceof PlatformError) throw bun;
      return bun;
    },
    javascript: defaultJavaScript(options.javascript ?? "auto", !(bun instanceof PlatformError)),
  });
  const places = options.slots + options.reliefSlots + options.warmProcesses + options.aheadProcesses;
  const users = firstUid === undefined ? undefined : await RunUsers.claim(firstUid, places, options.random);
  const isolation: Isolation = users
    ? { kind: "own-user", firstUid: users.firstUid, lastUid: users.lastUid }
    : await chooseUnprivilegedIsolation(options.isolation ?? "auto", () => python);
  if (options.isolation === "require" && isolation.kind === "none") {
    throw new PlatformError("unavailable", describeIsolation(isolation).text);
  }
  const controlGroups = await prepareControlGroups(
    { wanted: options.cgroup ?? "auto", fork: options.fork, findPython: () => python },
    runRoot.path,
  );
  const databases = await DatabaseArea.choose({
    dataDirectory,
    path: options.sqlDirectory,
    group: users?.databaseGroup,
  });
  const environments = await openEnvironments({
    ...options,
    launcher,
    isolation,
    installer: users?.installer,
    node,
    findPython: () => python,
    // Without this each of its scripts would compile the SDK anew: they may not write.
    adopt: (interpreter) => compilePythonLibrary(interpreter, library),
  });
  return {
    runRoot,
    furniture,
    runtimes,
    isolation,
    users,
    controlGroups,
    databases,
    environments,
    findPython: () => python,
  };
}
