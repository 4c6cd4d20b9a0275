import { containerEngines } from "../config/container-engine.ts";
import { searchPath } from "../config/search-path.ts";
import type { Settings } from "../config/settings.ts";
import { EngineFinder } from "../executor/containers/engine-finder.ts";
import { type PackageToolsProbe, probePackageTools } from "../executor/environments/probe-package-tools.ts";
import { chooseUnprivilegedIsolation, firstUserOf } from "../executor/isolation/choose-isolation.ts";
import { describeControlGroups, probeControlGroups } from "../executor/isolation/control-groups.ts";
import { describeIsolation } from "../executor/isolation/isolation.ts";
import { type SandboxHindrance, sandboxHindrance } from "../executor/isolation/sandbox-probe.ts";
import { findPython } from "../executor/runtimes/find-python.ts";
import { checkingRegistry, defaultJavaScript } from "../executor/runtimes/registry.ts";
import type { RuntimeProbe } from "../executor/runtimes/runtime.ts";
import { type ForkProbe, probeFork } from "../executor/zygote/fork-probe.ts";
import { systemClock } from "../foundation/clock.ts";
import { messageOf, PlatformError } from "../foundation/errors.ts";
import type { JavaScriptRuntime } from "../services/manifest.ts";

export interface ExecutorProbe {
  /** By the runtime's name. */
  runtimes: Record<string, RuntimeProbe>;
  /** What runs TypeScript and JavaScript where the manifest does not say. */
  javascript: JavaScriptRuntime;
  isolation: { isolated: boolean; text: string };
  /** What counts what a run uses. */
  controlGroups: { inForce: boolean; text: string };
  /** Why no script can be put into a sandbox; undefined: they can. */
  sandboxHindrance: SandboxHindrance | undefined;
  packageTools: PackageToolsProbe;
  forking: ForkProbe;
}

/** What an executor with these settings would find on this machine; starts nothing that stays and changes nothing. */
export async function probeExecutor({ executor, dependencies }: Settings): Promise<ExecutorProbe> {
  const { python, bun, javascript: setting, isolation: wanted, fork, cgroup } = executor;
  const firstUid = wanted === "off" ? undefined : await firstUserOf(executor.firstUid);
  const reach = { searchPath: searchPath(), othersMustReach: firstUid !== undefined };
  const runtimes = await checkingRegistry({ python, bun, ...reach }).probe();
  const javascript = defaultJavaScript(setting, runtimes.bun?.available === true);
  const packageTools = await probePackageTools({ python, ...reach, tool: dependencies.pythonTool });
  const search = () => findPython({ wanted: python, ...reach });
  const hindrance = await sandboxHindrance(search, firstUid);
  const controlGroups = describeControlGroups(await probeControlGroups({ wanted: cgroup, fork, findPython: search }));
  const isolation = firstUid === undefined ? await unprivilegedText(wanted, search) : ownUserText(firstUid);
  const forking = await probeFork(fork, search);
  return { runtimes, javascript, packageTools, isolation, controlGroups, sandboxHindrance: hindrance, forking };
}

/** Which users they are is decided when a platform starts: another one on this machine may hold the first. */
function ownUserText(firstUid: number): ExecutorProbe["isolation"] {
  const users = `uids in turn, the first from ${firstUid} on that no other platform of this machine holds`;
  return { isolated: true, text: `each run has a user of its own (${users})` };
}

async function unprivilegedText(
  ...wanted: Parameters<typeof chooseUnprivilegedIsolation>
): Promise<ExecutorProbe["isolation"]> {
  try {
    return describeIsolation(await chooseUnprivilegedIsolation(...wanted));
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    return { isolated: false, text: error.message };
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
