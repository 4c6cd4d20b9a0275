import { join } from "node:path";
import type { Json } from "../../foundation/json.ts";
import type { Elsewhere } from "../../services/elsewhere.ts";
import type { RunLimits } from "../../services/run-limits.ts";
import { runVariables, textOf } from "../run-variables.ts";
import type { StepRequest } from "../step-runner.ts";
import type { KnownImage } from "./container-engine.ts";
import type { Given } from "./given-files.ts";
import type { ImageCommand } from "./image-runtimes.ts";
import { labels, places } from "./places.ts";

/** Linux takes at most 128 KiB for one; a larger secret is a file only. */
const maxVariableBytes = 64 * 1024;
const variableNames = /^(?!FX_)[A-Za-z_][A-Za-z0-9_]*$/;

export type ContainerOf = Extract<Elsewhere, { kind: "container" }>;

export interface ContainerParts {
  request: StepRequest;
  container: ContainerOf;
  image: KnownImage;
  given: Given;
  secrets: ReadonlyMap<string, Json>;
  nonce: string;
  /** What starts the script, where it runs one. */
  started: ImageCommand | undefined;
  /** The directory of the SDKs. */
  library: string;
  platform: string;
}

/** What the engine is asked to make, in the words of its API ("Create a container"). */
export function containerBody(parts: ContainerParts): unknown {
  const { request, container, given, library, platform, started } = parts;
  const { settings } = container;
  const command = started ? [started.command, ...started.args] : container.command;
  const { limits } = request;
  const { project, name } = request.context.service;
  return {
    Image: container.image,
    ...(command ? { Entrypoint: command } : {}),
    ...(started ? { WorkingDir: places.service } : {}),
    // A new entry point with the image's arguments would be neither what the image means nor what the manifest says.
    ...((container.args ?? command) ? { Cmd: container.args ?? [] } : {}),
    ...(settings.user === undefined ? {} : { User: settings.user }),
    Env: Object.entries(variables(parts)).map(([key, value]) => `${key}=${value}`),
    Labels: {
      [labels.platform]: platform,
      [labels.execution]: request.executionId,
      [labels.attempt]: String(request.attempt),
      [labels.service]: `${project}/${name}`,
    },
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    HostConfig: {
      Mounts: [
        bind(given.context, places.context),
        bind(given.secrets, places.secrets),
        // Read-only, and still it can be dialled: what is written to is the socket, not the file system.
        bind(given.channel, places.channel),
        bind(request.directory, places.service),
        bind(join(library, "python"), join(places.sdk, "python")),
        bind(join(library, "typescript"), join(places.sdk, "typescript")),
      ],
      // What it says is redacted on its way; the engine must keep no copy that is not.
      LogConfig: { Type: "none" },
      SecurityOpt: ["no-new-privileges"],
      AutoRemove: false,
      ReadonlyRootfs: settings.read_only,
      ...(settings.read_only ? { Tmpfs: { "/tmp": "" } } : {}),
      ...(settings.network === undefined ? {} : { NetworkMode: settings.network }),
      ...(limits.memoryBytes === undefined ? {} : { Memory: limits.memoryBytes, MemorySwap: limits.memoryBytes }),
      ...(limits.processes === undefined ? {} : { PidsLimit: limits.processes + (started?.ownProcesses ?? 0) }),
      ...ulimits(limits),
      ...(settings.cpus === undefined ? {} : { NanoCpus: Math.round(settings.cpus * 1e9) }),
    },
  };
}

/** Of each process in it (setrlimit(2)); an engine takes them as they are, and leaves its own ones out. */
function ulimits({ cpuSeconds, openFiles }: RunLimits) {
  const found = [
    ...(openFiles === undefined ? [] : [{ Name: "nofile", Soft: openFiles, Hard: openFiles }]),
    // At the soft limit a signal that names its reason, at the hard one the end.
    ...(cpuSeconds === undefined ? [] : [{ Name: "cpu", Soft: cpuSeconds, Hard: cpuSeconds + 1 }]),
  ];
  return found.length === 0 ? {} : { Ulimits: found };
}

function variables({ request, container, image, secrets, nonce, started }: ContainerParts): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of secrets) {
    const text = textOf(value);
    const fits = Buffer.byteLength(text) <= maxVariableBytes && !text.includes("\0");
    if (fits && variableNames.test(name)) found[name] = text;
  }
  const ofImage = image.env.find((entry) => entry.startsWith("PYTHONPATH="))?.slice("PYTHONPATH=".length);
  const python = join(places.sdk, "python");
  return {
    ...started?.env,
    PYTHONPATH: ofImage ? `${ofImage}:${python}` : python,
    ...container.settings.env,
    ...found,
    ...runVariables(request.context),
    FX_CONTEXT: places.context,
    FX_CHANNEL: join(places.channel, "s"),
    FX_NONCE: nonce,
  };
}

function bind(source: string, target: string) {
  return { Type: "bind", Source: source, Target: target, ReadOnly: true };
}
