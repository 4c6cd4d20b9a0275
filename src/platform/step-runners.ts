import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { containerEngines } from "../config/container-engine.ts";
import { kubernetesSource, pluginEnvironment } from "../config/kubernetes-access.ts";
import { packageToolSurroundings } from "../config/package-tools.ts";
import { searchPath } from "../config/search-path.ts";
import type { Settings } from "../config/settings.ts";
import { warmProcessesOf } from "../config/warm-processes.ts";
import { ContainerStepRunner } from "../executor/containers/container-step-runner.ts";
import { DispatchingStepRunner } from "../executor/dispatching-step-runner.ts";
import { KubernetesStepRunner } from "../executor/kubernetes/kubernetes-step-runner.ts";
import { ProcessStepRunner } from "../executor/process-step-runner.ts";
import type { StepRunner } from "../executor/step-runner.ts";
import type { Ids } from "../foundation/ids.ts";
import { isContained } from "../services/elsewhere.ts";
import type { IsolationLevel, Manifest } from "../services/manifest.ts";
import type { Surroundings } from "./compose.ts";
import type { DataDirectory } from "./data-directory.ts";

/** What runs the steps of one executor. */
export interface StepRunners {
  processes: ProcessStepRunner;
  containers: ContainerStepRunner;
  jobs: KubernetesStepRunner;
  /** Each step by the runner of its kind; closing it closes all. */
  steps: StepRunner;
}

/** Why runs of a service cannot begin as this machine is now. `level`: of services that name none. */
export async function runHindrance(
  manifest: Manifest,
  level: IsolationLevel,
  { processes, containers, jobs }: StepRunners,
): Promise<string | undefined> {
  if (isContained(manifest)) return containers.hindrance();
  if (manifest.type === "k8s_job") return jobs.hindrance;
  return (manifest.isolation ?? level) === "sandbox" ? processes.sandboxHindrance() : undefined;
}

export async function openStepRunners(
  settings: Settings,
  data: DataDirectory,
  around: Surroundings,
): Promise<StepRunners> {
  const { slots, reliefSlots, aheadProcesses, runRoot, firstUid, isolation, fork, cgroup, python, bun, javascript } =
    settings.executor;
  const { sqlDirectory, sqlStatementMs } = settings.executor;
  const processes = await ProcessStepRunner.open({
    ...around,
    dataDirectory: data.path,
    slots,
    reliefSlots,
    warmProcesses: warmProcessesOf(settings.executor),
    aheadProcesses,
    runDirectory: runRoot,
    sqlDirectory,
    sqlStatementMs,
    firstUid,
    isolation,
    fork,
    cgroup,
    bun,
    javascript,
    python,
    searchPath: searchPath(),
    dependencies: {
      settings: settings.dependencies,
      surroundings: packageToolSurroundings(settings.dependencies),
    },
  });
  try {
    const containers = await ContainerStepRunner.open({
      ...around,
      engines: containerEngines(settings),
      dataDirectory: data.path,
      runRoot: processes.runRoot.path,
      filesDirectory: settings.executor.containers.filesDirectory,
      library: processes.library,
      platform: platformMark(data, around.ids),
    });
    const jobs = new KubernetesStepRunner({
      ...around,
      source: kubernetesSource(settings),
      environment: pluginEnvironment(),
    });
    const steps = new DispatchingStepRunner({ script: processes, container: containers, k8s_job: jobs });
    return { processes, containers, jobs, steps };
  } catch (error) {
    await processes.close();
    throw error;
  }
}

/**
 * What marks the containers of this data directory, whatever else uses the same engine. Not its path: platforms in
 * containers of their own all have the same.
 */
function platformMark(data: DataDirectory, ids: Ids): string {
  const file = data.file("platform-id");
  if (!existsSync(file)) writeFileSync(file, `${ids.next()}\n`, { mode: 0o600 });
  return readFileSync(file, "utf8").trim();
}
