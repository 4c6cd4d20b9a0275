import { constants } from "node:fs";
import { chown, mkdir, open, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { messageOf, PlatformError } from "../../foundation/errors.ts";
import type { DeclaredPackages } from "../../services/declared-packages.ts";
import type { ServiceSource } from "../../services/service-source.ts";
import type { Isolation } from "../isolation/isolation.ts";
import { landlockCommand } from "../isolation/landlock-command.ts";
import { isReachable } from "../isolation/reachable.ts";
import { killAllOfUser } from "../launcher/launched-tools.ts";
import type { Launcher, LaunchRequest } from "../launcher/launcher.ts";
import type { Told } from "./environment.ts";
import { handOver } from "./hand-over.ts";
import { installFailure, readLog } from "./install-problem.ts";
import { runInstall } from "./install-process.ts";
import { layNpmCache } from "./npm-cache.ts";
import { credentialRedactor } from "./redact-credentials.ts";

/** Lines that are told of a build that failed; its last ones are in the error as well. */
const toldOfBuild = 200;
/** Read of the end of a tool's log. */
const maxLogBytes = 1024 * 1024;

/** What the tools are given of the platform's surroundings. */
export interface ToolSurroundings {
  variables: Readonly<Record<string, string>>;
  /** Files below the tools' home directory, by their path. */
  configuration: Readonly<Record<string, string>>;
  /** Never told. */
  credentials: readonly string[];
}

export interface InstallerParts {
  launcher: Launcher<LaunchRequest>;
  isolation: Isolation;
  /** Who installs, where the platform is root: nobody else runs as that user. */
  installer: number | undefined;
  /** What an install must not read. */
  dataDirectory: string;
  surroundings: ToolSurroundings;
  timeoutMs: number;
  /** A directory of packages that tools look into. */
  findLinks?: string | undefined;
}

export interface InstallStep {
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** A file that it writes to, of what it does not say. */
  log?: string;
}

export interface InstallRequest {
  declared: DeclaredPackages;
  source: ServiceSource;
  /** For people: which tool, and for which interpreter. */
  tool: string;
  steps: readonly InstallStep[];
  env?: Readonly<Record<string, string>>;
  /** Added to the tools' configuration, by file. */
  configuration?: Readonly<Record<string, string>>;
  /** Where interpreter and tool lie. */
  readable: readonly string[];
  /** A cache of npm's, to be there with what it holds. */
  npmCache?: string | undefined;
}

/** Where the service's files lie inside of an environment. */
export function sourceOf(directory: string): string {
  return join(directory, "source");
}

/** The home directory that tools have while they install into `directory`. */
export function homeOf(directory: string): string {
  return join(directory, "home");
}

/**
 * Runs package tools, and with them what packages run at their install: not as the platform. Where it is root, as a user
 * of their own; else under Landlock where there is one. They see neither the data directory nor another service's
 * environment, and nothing of what they left behind runs on.
 */
export class Installer {
  readonly #parts: InstallerParts;
  readonly #redact: (text: string) => string;
  readonly #closing = new AbortController();

  constructor(parts: InstallerParts) {
    this.#parts = parts;
    this.#redact = credentialRedactor(parts.surroundings.credentials);
  }

  /** Installs into `directory`, which is there and empty. Rejects as `installFailure`; with `unavailable` when `signal` aborts. */
  async install(directory: string, request: InstallRequest, told: Told, signal: AbortSignal): Promise<void> {
    const { installer, launcher } = this.#parts;
    await this.#requireReachable(request);
    const home = homeOf(directory);
    await this.#lay(directory, request, home);
    // One that a killed platform left at work must not meddle with this one.
    if (installer !== undefined) await killAllOfUser(launcher, { uid: installer, gid: installer });
    const { npmCache } = request;
    const laid = npmCache && { npm_config_cache: await layNpmCache(npmCache, join(home, "npm-cache"), installer) };
    for (const step of request.steps) {
      if (signal.aborted) throw new PlatformError("unavailable", messageOf(signal.reason));
      await this.#run(step, { ...request, env: { ...request.env, ...laid } }, directory, home, told, signal);
    }
    await rm(home, { recursive: true, force: true });
    if (installer !== undefined) await handOver(directory, installer);
  }

  /** Aborts once installs are to end. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Ends what is being installed, with `unavailable`. */
  close(): void {
    this.#closing.abort(new Error("the platform is being stopped"));
  }

  async #run(
    step: InstallStep,
    { declared, tool, env, readable }: InstallRequest,
    directory: string,
    home: string,
    told: Told,
    signal: AbortSignal,
  ): Promise<void> {
    const { launcher, installer, surroundings, timeoutMs } = this.#parts;
    const { command, args } = this.#limited(step, directory, readable);
    const user = installer === undefined ? undefined : { uid: installer, gid: installer };
    const variables = {
      ...surroundings.variables,
      PATH: "/usr/local/bin:/usr/bin:/bin",
      LANG: "C.UTF-8",
      HOME: home,
      TMPDIR: join(home, "tmp"),
      // Whatever the machine's own configuration says of where packages go, here they go into the environment.
      PIP_USER: "0",
      PIP_REQUIRE_VIRTUALENV: "0",
      ...env,
      ...step.env,
    };
    const cwd = sourceOf(directory);
    const asked = { command, args, cwd, env: variables, user, timeoutMs, signal };
    const { code, lines } = await runInstall(launcher, asked, (line) => told(this.#redact(line)));
    if (code === 0) return;
    const { unanswered, built } = readLog(step.log === undefined ? "" : await endOf(step.log));
    const redacted = { unanswered: unanswered.map(this.#redact), built: built.map(this.#redact) };
    for (const line of redacted.built.slice(-toldOfBuild)) told(line);
    throw installFailure(declared, tool, lines.map(this.#redact), redacted);
  }

  #limited({ command, args }: InstallStep, directory: string, readable: readonly string[]) {
    const { isolation, dataDirectory, findLinks } = this.#parts;
    if (isolation.kind !== "landlock") return { command, args };
    const read = findLinks === undefined ? readable : [...readable, findLinks];
    return landlockCommand(
      isolation.python,
      { hidden: resolve(dataDirectory), read, write: [directory] },
      command,
      args,
    );
  }

  async #lay(directory: string, { declared, source, configuration }: InstallRequest, home: string): Promise<void> {
    const made = new Set([directory, sourceOf(directory), home, join(home, "tmp")]);
    const write = async (target: string, content: string | Uint8Array) => {
      for (let above = dirname(target); !made.has(above); above = dirname(above)) made.add(above);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content, { mode: 0o600 });
      made.add(target);
    };
    for (const path of made) await mkdir(path, { recursive: true });
    for (const { path } of declared.files) await write(join(sourceOf(directory), path), await source.read(path));
    const files: Record<string, string> = { ...this.#parts.surroundings.configuration };
    for (const [name, text] of Object.entries(configuration ?? {})) files[name] = `${files[name] ?? ""}\n${text}`;
    for (const [name, text] of Object.entries(files)) await write(join(home, name), text);
    const { installer } = this.#parts;
    if (installer !== undefined) for (const path of made) await chown(path, installer, installer);
  }

  async #requireReachable({ npmCache }: InstallRequest): Promise<void> {
    const { findLinks, installer } = this.#parts;
    for (const [setting, path] of Object.entries({ findLinks, npmCache })) {
      if (path === undefined || installer === undefined || (await isReachable(path, "read"))) continue;
      const message = `packages are installed by a user of their own, who cannot read '${path}': give it and the directories above it the mode 0755 (setting dependencies.${setting})`;
      throw new PlatformError("invalid-input", message);
    }
  }
}

/** The last of a file that whoever installs may have put anything in place of; empty where it is no plain file. */
async function endOf(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    () => undefined,
  );
  if (file === undefined) return "";
  try {
    const found = await file.stat();
    if (!found.isFile()) return "";
    const length = Math.min(found.size, maxLogBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, found.size - length);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}
