import { containerEngines } from "../config/container-engine.ts";
import { searchPath } from "../config/search-path.ts";
import type { Settings } from "../config/settings.ts";
import { EngineFinder } from "../executor/containers/engine-finder.ts";
import { type PackageToolsProbe, probePackageTools } from "../executor/environments/probe-package-tools.ts";
import { canSwitchUser, chooseUnprivilegedIsolation } from "../executor/isolation/choose-isolation.ts";
import { describeIsolation } from "../executor/isolation/isolation.ts";
import { sandboxHindrance } from "../executor/isolation/sandbox-probe.ts";
import { findPython } from "../executor/runtimes/find-python.ts";
import { checkingRegistry, defaultJavaScript } from "../executor/runtimes/registry.ts";
import type { RuntimeProbe } from "../executor/runtimes/runtime.ts";
import { systemClock } from "../foundation/clock.ts";
import { messageOf, PlatformError } from "../foundation/errors.ts";
import type { JavaScriptRuntime } from "../services/manifest.ts";

export interface ExecutorProbe {
  /** By the runtime's name. */
  runtimes: Record<string, RuntimeProbe>;
  /** What runs TypeScript and JavaScript where the manifest does not say. */
  javascript: JavaScriptRuntime;
  isolation: { isolated: boolean; text: string };
  /** Why no script can be put into a sandbox; undefined: they can. */
  sandboxHindrance: string | undefined;
  packageTools: PackageToolsProbe;
}

/** What an executor with these settings would find on this machine; starts nothing and changes nothing. */
export async function probeExecutor({ executor, dependencies }: Settings): Promise<ExecutorProbe> {
  const { python, bun, javascript: setting, isolation: wanted, firstUid } = executor;
  const ownUsers = wanted !== "off" && (await canSwitchUser(firstUid));
  const reach = { searchPath: searchPath(), othersMustReach: ownUsers };
  const runtimes = await checkingRegistry({ python, bun, ...reach }).probe();
  const javascript = defaultJavaScript(setting, runtimes.bun?.available === true);
  const packageTools = await probePackageTools({ python, ...reach, tool: dependencies.pythonTool });
  const search = () => findPython({ wanted: python, ...reach });
  const hindrance = await sandboxHindrance(search, ownUsers ? firstUid : undefined);
  if (ownUsers) {
    const slots = executor.slots + executor.warmProcesses;
    const isolation = describeIsolation({ kind: "own-user", firstUid, slots });
    return { runtimes, javascript, packageTools, isolation, sandboxHindrance: hindrance };
  }
  try {
    const isolation = describeIsolation(await chooseUnprivilegedIsolation(wanted, search));
    return { runtimes, javascript, packageTools, isolation, sandboxHindrance: hindrance };
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    const isolation = { isolated: false, text: error.message };
    return { runtimes, javascript, packageTools, isolation, sandboxHindrance: hindrance };
  }
}

/** Whether containers can run here, in words; `named`: a person said where the engine is. */
export async function probeContainers(settings: Settings): Promise<{ answers: boolean; named: boolean; text: string }> {
  const { engine: setting } = settings.executor.containers;
  const named = setting !== undefined && setting !== "off";
  try {
    const engine = await new EngineFinder(containerEngines(settings), systemClock).find();
    return { answers: true, named, text: `${engine.name} at ${engine.address}` };
  } catch (error) {
    return { answers: false, named, text: messageOf(error) };
  }
}
