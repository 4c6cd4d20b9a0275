import type { Problem } from "../foundation/errors.ts";
import { type ContainerSettings, containerSettings } from "./container-settings.ts";
import { type Manifest, scriptsOf } from "./manifest.ts";

/** The file of a `type: k8s_job` service that says what its Job is. */
export const jobFile = "deployment.yaml";

/** What runs a service that is no scripts. */
export type Elsewhere =
  | {
      kind: "container";
      image: string;
      command: string[] | undefined;
      args: string[] | undefined;
      settings: ContainerSettings;
      secrets: string[];
    }
  | { kind: "k8s_job"; secrets: string[] };

/** Undefined: its scripts run, as processes of the executor's machine. */
export function elsewhereOf(manifest: Manifest): Elsewhere | undefined {
  const { type, image = "", command, args, container, secrets = [] } = manifest;
  switch (type) {
    case "script":
      return undefined;
    case "container":
      return { kind: type, image, command, args, settings: container ?? containerSettings.parse({}), secrets };
    case "k8s_job":
      return { kind: type, secrets };
  }
}

/** A service that is no scripts has one step, which is named after what runs. */
export function stepOf(elsewhere: Elsewhere): string {
  return elsewhere.kind === "container" ? elsewhere.image : jobFile;
}

/** Limits and levels of a script's process, and what takes their place; the other limits hold for a container as well. */
const ofScripts: Record<Elsewhere["kind"], Partial<Record<keyof Manifest, string>>> = {
  container: {
    cpu_seconds: "container.cpus and timeout",
    max_open_files: "what the engine sets",
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
  const { type, image, command, args, container } = manifest;
  const problems: Problem[] = [];
  if (type === "container" && image === undefined) {
    const message =
      'a service of the type "container" names the image that runs; found nothing, expected such as "docker.io/library/alpine:3.20"';
    problems.push({ path: "image", message });
  }
  if (type !== "script") {
    const found = scriptsOf(manifest);
    const message = `a service of the type "${type}" runs no scripts; found ${JSON.stringify(found)}`;
    if (found !== undefined) problems.push({ path: "entrypoint or execution_order", message });
    for (const [path, instead] of Object.entries(ofScripts[type])) {
      const value = manifest[path as keyof Manifest];
      // False is what is read where nothing is said.
      if (value === undefined || value === false) continue;
      const text = `holds for scripts; for the type "${type}" it is ${instead}; found ${JSON.stringify(value)}`;
      problems.push({ path, message: text });
    }
  }
  const ofContainer = Object.entries({ image, command, args, container }).filter(([, value]) => value !== undefined);
  if (type !== "container") {
    const message = `says what a container is, but the type is "${type}"; expected "type": "container"`;
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
