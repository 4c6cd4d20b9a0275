import { resolve } from "node:path";
import { PlatformError } from "../foundation/errors.ts";
import type { DatabaseArea } from "./database-area.ts";
import type { Isolation } from "./isolation/isolation.ts";
import { type LandlockPaths, landlockCommand, landlockRules } from "./isolation/landlock-command.ts";
import type { RunUsers, User } from "./isolation/run-users.ts";
import { type SandboxHindrance, sandboxHindrance } from "./isolation/sandbox-probe.ts";
import type { Launcher, LaunchRequest } from "./launcher/launcher.ts";
import type { RunRoot } from "./run-root.ts";
import type { Launch, StepPlace } from "./running-script.ts";
import type { PythonInterpreter } from "./runtimes/find-python.ts";
import type { RuntimeRegistry } from "./runtimes/registry.ts";
import type { Runtime } from "./runtimes/runtime.ts";
import type { ProcessRequest } from "./step-runner.ts";
import { LearnedImports } from "./zygote/learned-imports.ts";
import type { Zygote } from "./zygote/zygote.ts";
import type { Zygotes } from "./zygote/zygotes.ts";

export interface StepLaunchParts {
  launcher: Launcher<LaunchRequest>;
  /** Undefined: every script is started anew. */
  zygotes: Zygotes | undefined;
  runtimes: RuntimeRegistry;
  runRoot: RunRoot;
  /** The directory of the SDKs. */
  library: string;
  isolation: Isolation;
  /** Undefined: scripts run as the executor's own user. */
  users: RunUsers | undefined;
  databases: DatabaseArea;
  findPython(): Promise<PythonInterpreter>;
  /** What scripts must not read (rule S3). */
  dataDirectory: string;
  /** What one statement of an SQL script may take. */
  sqlStatementMs: number;
}

/** A longer one is told on the channel: a request to fork has at most 128 KiB (src/executor/zygote/keeper.py). */
const maxGivenWelcome = 32 * 1024;

const scriptSearchPath = "/usr/local/bin:/usr/bin:/bin";

/** From a step to the process that runs it: by which program, forked or started anew, within which bounds. */
export class StepLaunches {
  readonly #parts: StepLaunchParts;
  readonly #imports: LearnedImports;
  #sandbox: Promise<SandboxHindrance | undefined> | undefined;
  #python: PythonInterpreter | undefined;

  constructor(parts: StepLaunchParts) {
    this.#parts = parts;
    this.#imports = new LearnedImports((key) => parts.zygotes?.forget(key));
    parts.findPython().then(
      (found) => {
        this.#python = found;
      },
      () => {},
    );
  }

  /** A new user for the process that begins in the request's slot now; an SQL step has the group of databases in place of its own. */
  nextUser({ slot, script }: ProcessRequest): User | undefined {
    const { users, runtimes } = this.#parts;
    const user = users?.next(slot);
    const usesDatabases = runtimes.forScript(script)?.usesDatabases;
    return user && users && usesDatabases ? { uid: user.uid, gid: users.databaseGroup } : user;
  }

  /** What a run has imported of its interpreter, for the next run of the script. */
  learn(request: ProcessRequest, modules: readonly string[]): void {
    this.#imports.learn(request.context.service.version, request.script, modules);
  }

  /** Why a step cannot be put into its sandbox. Found out once, when it is first asked for. */
  async sandboxHindrance(): Promise<string | undefined> {
    const { zygotes, findPython, users } = this.#parts;
    const wants = 'it wants a sandbox (manifest key "isolation")';
    if (!zygotes) return `${wants}, which needs Linux and the setting executor.fork at auto`;
    this.#sandbox ??= sandboxHindrance(findPython, users?.installer);
    const hindrance = await this.#sandbox;
    return hindrance && `${wants}, but ${hindrance.why}`;
  }

  /**
   * Whether a process may stay after its run. Only one that a zygote forked adopts what its runs leave, so that it can be
   * found at the end of each; the orphans of another would act during later runs.
   */
  keepsProcesses(request: ProcessRequest): boolean {
    return this.#forkingOf(request)?.isExpected === true;
  }

  /** Whether its process can be started before its run is known: by a zygote, which ends it with the executor. */
  canWait(request: ProcessRequest): boolean {
    const { script, runtime } = request;
    return (
      this.#parts.runtimes.forScript(script, runtime)?.canWait === true && this.#forkingOf(request)?.isReady === true
    );
  }

  #forkingOf({ script, runtime: wanted, environment }: ProcessRequest): Zygote | undefined {
    const { zygotes, runtimes } = this.#parts;
    const base = runtimes.forScript(script, wanted)?.forkedFrom && environment?.python?.base;
    const python = base ?? this.#python?.command;
    return python === undefined ? undefined : zygotes?.of(python);
  }

  /** Resolves when the step can be launched at once, as `user`. Rejects with `unavailable` where it is to be forked and no zygote came. */
  async prepare(request: ProcessRequest, place: StepPlace, user: User | undefined): Promise<Launch> {
    const { launcher, runtimes, databases: area, isolation, runRoot } = this.#parts;
    const runtime = runtimes.forScript(request.script, request.runtime) as Runtime;
    const databases = runtime.usesDatabases ? area.directoryOf(request.context.service.project) : undefined;
    const { directory, script: path, environment } = request;
    const { level } = request.isolation;
    const host = level === "warm" ? runtime.hostCommand?.({ directory, path, environment }) : undefined;
    const asked = host ?? runtime.command({ directory, path, environment });
    const isBoxed = level === "sandbox";
    const limited =
      isBoxed || isolation.kind === "landlock" ? this.#landlockPaths(request, runtime, place.scratch) : undefined;
    const copies = databases && request.isReplay ? runRoot.copiesDirectory(request.slot) : undefined;
    if (databases !== undefined) limited?.write.push(databases);
    if (copies !== undefined) limited?.write.push(copies);
    const run = {
      cwd: directory,
      env: {
        ...variablesOf(place),
        ...(host || place.isAhead ? {} : { FX_EXECUTION_ID: request.executionId }),
        ...(host || !runtime.canWait || !request.preload?.length
          ? {}
          : { FX_PRELOAD: JSON.stringify({ script: path, modules: request.preload }) }),
        ...(databases === undefined ? {} : this.#databaseVariables(databases)),
        ...(copies === undefined ? {} : { FX_SQL_COPIES: copies }),
        ...asked.env,
      },
      user,
      ...(host ? boundsOfHost(request) : { outputCapBytes: request.outputCapBytes, limits: request.limits }),
      setAsideBytes: asked.setAsideBytes,
    };
    await launcher.ready();
    const landlock = limited && landlockRules(limited);
    const { welcome = "" } = place;
    const given = welcome.length > 0 && welcome.length <= maxGivenWelcome ? { welcome } : {};
    const exec = {
      exec: [asked.command, ...asked.args],
      ...(place.isAhead && asked.waitsOnDescriptor && { waitsOnDescriptor: true as const }),
    };
    const forked = { ...run, ...(runtime.forkedFrom ? given : exec), landlock };
    if (isBoxed) {
      const { network } = request.isolation;
      const zygote = await this.#zygoteOfSandbox(runtime, request);
      return (ttlMs, listener) => zygote.start({ ...forked, sandbox: { network }, ttlMs }, listener);
    }
    const zygote = await this.#zygoteOf(runtime, request);
    if (host && !(await zygote?.settled())) {
      throw new PlatformError("unavailable", "no warm Python could be started, and what stays is forked from one");
    }
    if (place.isAhead && !zygote?.isReady) {
      throw new PlatformError("unavailable", "what waits for its run is forked from a warm Python, and there is none");
    }
    if (zygote?.isReady) return (ttlMs, listener) => zygote.start({ ...forked, ttlMs }, listener);
    const { command, args } =
      limited && isolation.kind === "landlock"
        ? landlockCommand(isolation.python, limited, asked.command, asked.args)
        : asked;
    return (ttlMs, listener) => launcher.start({ ...run, command, args, ttlMs }, listener);
  }

  /** Python is forked from its own; a program is started by any, which is smaller than the launcher. */
  async #zygoteOf(runtime: Runtime, request: ProcessRequest): Promise<Zygote | undefined> {
    const { zygotes, findPython } = this.#parts;
    if (runtime.forkedFrom) {
      const learned = this.#imports.of(request.context.service.version, request.script);
      return zygotes?.of(runtime.forkedFrom(request.environment), learned);
    }
    const python = await findPython().catch(() => undefined);
    return python && zygotes?.of(python.command);
  }

  /** A sandbox is entered between fork and script, so that a command in it is forked first as well. */
  async #zygoteOfSandbox(runtime: Runtime, { environment }: ProcessRequest): Promise<Zygote> {
    const { zygotes, findPython } = this.#parts;
    const python = runtime.forkedFrom?.(environment) ?? (await findPython()).command;
    const zygote = zygotes?.of(python);
    if (zygote && (await zygote.settled())) return zygote;
    throw new PlatformError("unavailable", "no warm Python could be started, and a sandbox is entered from one");
  }

  #landlockPaths(request: ProcessRequest, runtime: Runtime, scratch: string): LandlockPaths & { write: string[] } {
    const { dataDirectory, runRoot, library } = this.#parts;
    return {
      hidden: resolve(dataDirectory),
      read: [
        request.directory,
        ...runRoot.packageEnds,
        library,
        ...runtime.files(),
        ...(request.environment?.files ?? []),
      ],
      write: [scratch],
    };
  }

  #databaseVariables(directory: string): Record<string, string> {
    const { dataDirectory, sqlStatementMs } = this.#parts;
    return {
      FX_SQL_DIRECTORY: directory,
      FX_SQL_HIDDEN: resolve(dataDirectory),
      FX_SQL_STATEMENT_MS: String(sqlStatementMs),
    };
  }
}

/** What is counted run by run is counted by whoever knows its runs. */
function boundsOfHost({ limits }: ProcessRequest) {
  return {
    outputCapBytes: Number.MAX_SAFE_INTEGER,
    limits: { ...limits, cpuSeconds: undefined, outputBytes: undefined },
  };
}

function variablesOf({ nonce, channelPath, scratch }: StepPlace): Record<string, string> {
  return {
    PATH: scriptSearchPath,
    LANG: "C.UTF-8",
    HOME: scratch,
    TMPDIR: scratch,
    FX_SCRATCH: scratch,
    FX_CHANNEL: channelPath,
    FX_NONCE: nonce,
  };
}
