import type { Problem } from "../foundation/errors.ts";
import { type ContainerSettings, containerSettings } from "./container-settings.ts";
import { type JavaScriptRuntime, type Manifest, scriptsOf } from "./manifest.ts";

/** The file of a `type: k8s_job` service that says what its Job is. */
export const jobFile = "deployment.yaml";

/**
 * Processes and threads that a container may have at least. Until its program begins, the engine's own starter is in it under the same
 * limit: runc has up to six threads, and with fewer some starts fail.
 */
export const fewestProcesses = 16;

/** What of an image runs a script. */
export type Interpreter = "python" | JavaScriptRuntime;

/** What runs in place of a process of the executor's machine. */
export type Elsewhere =
  | {
      kind: "container";
      image: string;
      command: string[] | undefined;
      args: string[] | undefined;
      settings: ContainerSettings;
      secrets: string[];
      /** Undefined: it runs what the image or `command` says, and no script. */
      interpreter?: Interpreter | undefined;
    }
  | { kind: "k8s_job"; secrets: string[] };

/** Where a step runs: `script`, or what `stepOf` names. Undefined: as a process of the executor's machine. */
export function elsewhereOf(manifest: Manifest, script: string): Elsewhere | undefined {
  const { type, image = "", command, args, container, secrets = [] } = manifest;
  const settings = container ?? containerSettings.parse({});
  switch (type) {
    case "script": {
      if (!isBoxed(manifest)) return undefined;
      const interpreter = interpreterOf(script, manifest);
      return { kind: "container", image, command: undefined, args: undefined, settings, secrets, interpreter };
    }
    case "container":
      return { kind: type, image, command, args, settings, secrets };
    case "k8s_job":
      return { kind: type, secrets };
  }
}

/** Its steps run in containers of an engine. */
export function isContained(manifest: Manifest): boolean {
  return manifest.type === "container" || isBoxed(manifest);
}

/** Its scripts run there. */
function isBoxed({ type, isolation }: Manifest): boolean {
  return type === "script" && isolation === "container";
}

/** A service that is no scripts has one step, which is named after what runs. Undefined: it is scripts. */
export function stepOf({ type, image }: Manifest): string | undefined {
  if (type === "script") return undefined;
  return type === "container" ? image : jobFile;
}

/** Undefined: what scripts of this ending need of an image is not known. */
function interpreterOf(script: string, { runtime = "node" }: Manifest): Interpreter | undefined {
  if (script.endsWith(".py")) return "python";
  return /\.[cm]?[jt]s$/.test(script) ? runtime : undefined;
}

/** Scripts that cannot run in a container. */
export function scriptsElsewhereProblems(manifest: Manifest, scripts: readonly string[]): Problem[] {
  if (!isBoxed(manifest)) return [];
  return scripts
    .filter((script) => interpreterOf(script, manifest) === undefined)
    .map((script) => ({
      path: "isolation",
      message: `"container" is for scripts in Python, TypeScript and JavaScript; found ${script}. Another program of an image is a service of the type "container"`,
    }));
}

/** Limits and levels of a script's process, and what takes their place; the other limits hold for a container as well. */
const ofScripts: Record<Elsewhere["kind"], Partial<Record<keyof Manifest, string>>> = {
  container: {
    network: "container.network",
    isolation: "what the engine sets",
    runtime: "the image",
    python: "the image",
  },
  k8s_job: {
    memory: `resources in ${jobFile}`,
    cpu_seconds: `resources in ${jobFile}, and timeout`,
    max_processes: "what the cluster sets",
    max_open_files: "what the cluster sets",
    network: "what the cluster sets",
    isolation: "what the cluster sets",
    runtime: "the image",
    python: "the image",
  },
};

/** What a manifest says that its `type` cannot mean; paths are its keys. */
export function elsewhereProblems(manifest: Manifest): Problem[] {
  const { type, image, command, args, container, max_processes: processes } = manifest;
  const problems: Problem[] = [];
  const boxed = isBoxed(manifest);
  const contained = isContained(manifest);
  if (contained && image === undefined) {
    const what = boxed ? 'the isolation "container"' : 'a service of the type "container"';
    const message = `${what} names the image that runs; found nothing, expected such as "docker.io/library/alpine:3.20"`;
    problems.push({ path: "image", message });
  }
  if (type !== "script") {
    const found = scriptsOf(manifest);
    const message = `a service of the type "${type}" runs no scripts; found ${JSON.stringify(found)}`;
    if (found !== undefined) problems.push({ path: "entrypoint or execution_order", message });
    problems.push(...ofProcessesProblems(manifest, `the type "${type}"`, ofScripts[type]));
  }
  if (boxed) {
    const { isolation: _level, runtime: _runtime, ...rest } = ofScripts.container;
    problems.push(...ofProcessesProblems(manifest, 'the isolation "container"', rest));
    const message = 'its scripts are what runs; another program of an image is a service of the type "container"';
    const others = Object.entries({ command, args }).filter(([, value]) => value !== undefined);
    problems.push(...others.map(([path]) => ({ path, message })));
  }
  if (contained && processes !== undefined && processes < fewestProcesses) {
    const message = `must be at least ${fewestProcesses} in a container: what starts one has threads, and they count; found ${processes}`;
    problems.push({ path: "max_processes", message });
  }
  const ofContainer = Object.entries({ image, command, args, container }).filter(([, value]) => value !== undefined);
  if (!contained) {
    const message = `says what a container is, but the type is "${type}"; expected "type": "container", or for scripts "isolation": "container"`;
    problems.push(...ofContainer.map(([path]) => ({ path, message })));
  }
  if (type === "script" && manifest.secrets !== undefined) {
    problems.push({
      path: "secrets",
      message: 'scripts ask for theirs with context.secrets.get; the list is for the types "container" and "k8s_job"',
    });
  }
  return problems;
}

/** What a manifest says of processes of this machine, where there are none. */
function ofProcessesProblems(
  manifest: Manifest,
  what: string,
  insteads: Partial<Record<keyof Manifest, string>>,
): Problem[] {
  const problems: Problem[] = [];
  for (const [path, instead] of Object.entries(insteads)) {
    const value = manifest[path as keyof Manifest];
    // False is what is read where nothing is said.
    if (value === undefined || value === false) continue;
    const message = `holds for scripts on this machine; for ${what} it is ${instead}; found ${JSON.stringify(value)}`;
    problems.push({ path, message });
  }
  return problems;
}
