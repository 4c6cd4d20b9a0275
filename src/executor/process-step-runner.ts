import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../foundation/clock.ts";
import { messageOf, PlatformError } from "../foundation/errors.ts";
import type { Log } from "../foundation/log.ts";
import type { Random } from "../foundation/random.ts";
import type { JavaScriptRuntime } from "../services/manifest.ts";
import type { ServiceVersion } from "../services/service.ts";
import { SlotChannels } from "./channel/slot-channels.ts";
import { DatabaseArea } from "./database-area.ts";
import type { EnvironmentLanguage, Environments } from "./environments/environments.ts";
import { type DependencyOptions, openEnvironments } from "./environments/open-environments.ts";
import { canSwitchUser, chooseUnprivilegedIsolation } from "./isolation/choose-isolation.ts";
import { type ControlGroups, leaveControlGroups, prepareControlGroups } from "./isolation/control-groups.ts";
import { databaseGroup, describeIsolation, type Isolation, userOfSlot } from "./isolation/isolation.ts";
import { claimUserRange, type UserRange } from "./isolation/user-range.ts";
import { LauncherClient } from "./launcher/launcher-client.ts";
import { RunRoot } from "./run-root.ts";
import { RunningScript, type ScriptParts } from "./running-script.ts";
import { RunningSteps } from "./running-steps.ts";
import { findBun } from "./runtimes/find-bun.ts";
import { findPython, type PythonInterpreter } from "./runtimes/find-python.ts";
import { installLibrary } from "./runtimes/library.ts";
import { compilePythonLibrary, compilePythonScripts } from "./runtimes/python.ts";
import { defaultJavaScript, RuntimeRegistry } from "./runtimes/registry.ts";
import type { Runtime } from "./runtimes/runtime.ts";
import { StepLaunches } from "./step-launches.ts";
import type { RunningStep, StepHost, StepRequest, StepRunner } from "./step-runner.ts";
import { WarmHosts } from "./warm/warm-hosts.ts";
import { Zygotes } from "./zygote/zygotes.ts";

export interface ProcessStepRunnerOptions {
  /** What scripts must not read (rule S3). Made if missing. */
  dataDirectory: string;
  /** Steps that may live at one time: `slot` of a request is below it. */
  slots: number;
  /** Processes that may stay for further runs of their script, those that run included (isolation level `warm`). */
  warmProcesses: number;
  clock: Clock;
  random: Random;
  log: Log;
  /** Where scripts live while they run; see RunRoot. */
  runDirectory?: string | undefined;
  /** First user id for scripts, where the executor is root. */
  firstUid: number;
  /** `auto`, the default: the best there is. `require`: refuse to open without one. `off`: none. */
  isolation?: "auto" | "require" | "off";
  /** Where the databases of SQL scripts lie; see DatabaseArea. */
  sqlDirectory?: string | undefined;
  /** What one statement of an SQL script may take. */
  sqlStatementMs?: number | undefined;
  /** The Python to run scripts with; default: found once, from `searchPath` and the system's. */
  python?: string | undefined;
  /** The Bun to run scripts with; default: the one that came with the platform's packages. */
  bun?: string | undefined;
  /** What runs the JavaScript and TypeScript of services that do not say; `auto`, the default: Bun where it is there. */
  javascript?: "auto" | JavaScriptRuntime | undefined;
  /** `off`: every script's interpreter is started anew. `auto`, the default: forked where it can be. */
  fork?: "auto" | "off" | undefined;
  /** Where each forked run gets a control group: `auto`, the default, `off`, or the directory of a group that is ours to divide. */
  cgroup?: string | undefined;
  /** Directories with `:` between them, as in PATH; where to look for `python3` and for package tools. */
  searchPath?: string | undefined;
  /** How packages of services are installed; default: as the tools do it by themselves. */
  dependencies?: DependencyOptions | undefined;
}

const defaultSqlStatementMs = 60_000;
/** Of Python: compiling less takes a run less than a millisecond. */
const worthCompilingBytes = 4 * 1024;

/** Runs each script as its own process, through the launcher, with a private channel. */
export class ProcessStepRunner implements StepRunner {
  readonly runRoot: RunRoot;
  readonly runtimes: RuntimeRegistry;
  readonly isolation: Isolation;
  /** What scripts import from. */
  readonly environments: Environments;
  readonly controlGroups: ControlGroups;
  readonly launcher: LauncherClient;
  readonly zygotes: Zygotes | undefined;
  readonly #databases: DatabaseArea;
  readonly #options: ProcessStepRunnerOptions;
  /** The directory of the SDKs, readable by every user. */
  readonly library: string;
  /** What must be there for scripts to start: the library and the interpreters of ours. */
  readonly #furniture: readonly string[];
  /** Lays them into the run root again, where they were. */
  readonly #furnish: () => Promise<unknown>;
  #mending: Promise<void> | undefined;
  readonly #users: UserRange | undefined;
  readonly #channels: SlotChannels;
  readonly #launches: StepLaunches;
  readonly #resolved = new Map<Runtime, Promise<void>>();
  readonly #warm: WarmHosts;
  readonly #running = new RunningSteps();

  private constructor(
    options: ProcessStepRunnerOptions,
    parts: Pick<ProcessStepRunner, "runRoot" | "runtimes" | "isolation" | "environments" | "controlGroups"> & {
      library: string;
      furniture: readonly string[];
      furnish(): Promise<unknown>;
      users: UserRange | undefined;
      databases: DatabaseArea;
      findPython(): Promise<PythonInterpreter>;
    },
  ) {
    this.#options = options;
    this.runRoot = parts.runRoot;
    this.runtimes = parts.runtimes;
    this.isolation = parts.isolation;
    this.environments = parts.environments;
    this.controlGroups = parts.controlGroups;
    this.library = parts.library;
    this.#furniture = parts.furniture;
    this.#furnish = parts.furnish;
    this.#users = parts.users;
    this.#databases = parts.databases;
    this.launcher = new LauncherClient(options);
    const { launcher } = this;
    const { clock, log } = options;
    const sdk = join(parts.library, "python");
    const socketDirectory = this.runRoot.zygoteDirectory;
    const forks = options.fork !== "off" && Zygotes.supported;
    const groups = "directory" in this.controlGroups ? this.controlGroups.directory : undefined;
    this.zygotes = forks ? new Zygotes({ launcher, sdk, groups, socketDirectory, clock, log }) : undefined;
    this.#channels = new SlotChannels(this.runRoot, options);
    const { sqlStatementMs = defaultSqlStatementMs, dataDirectory } = options;
    this.#launches = new StepLaunches({ ...parts, launcher, zygotes: this.zygotes, dataDirectory, sqlStatementMs });
    const { slots, warmProcesses } = options;
    const places = Array.from({ length: warmProcesses }, (_, index) => slots + index);
    this.#warm = new WarmHosts({ clock, places, partsOf: (request) => this.#partsOf(request) });
  }

  /**
   * Resolves when it can run scripts. A missing interpreter is no error here: its scripts end `unstartable`.
   * Rejects with `unavailable` when isolation is required and there is none.
   */
  static async open(options: ProcessStepRunnerOptions): Promise<ProcessStepRunner> {
    const ownUsers = options.isolation !== "off" && (await canSwitchUser(options.firstUid));
    const python = findPython({ wanted: options.python, searchPath: options.searchPath, othersMustReach: ownUsers });
    python.catch(() => {});
    const { dataDirectory, runDirectory: path } = options;
    const runRoot = await RunRoot.open({ dataDirectory, path, othersMustReach: ownUsers });
    const furnish = async () => {
      const library = await installLibrary(runRoot, async (directory) => {
        const found = await python.catch(() => undefined);
        if (found) await compilePythonLibrary(found, directory);
      });
      const reachable = async (path: string) => (ownUsers ? runRoot.reachableExecutable(path) : path);
      const node = await reachable(process.execPath);
      const bun = await findBun(options.bun).then(
        async ({ command, version }) => ({ command: await reachable(command), version }),
        (error: unknown) => new PlatformError("unavailable", messageOf(error)),
      );
      return { library, node, bun };
    };
    const { library, node, bun } = await furnish();
    const hasBun = !(bun instanceof PlatformError);
    const runtimes = new RuntimeRegistry({
      library,
      node,
      findPython: () => python,
      findBun: async () => {
        if (hasBun) return bun;
        throw bun;
      },
      javascript: defaultJavaScript(options.javascript ?? "auto", hasBun),
    });
    // One for each slot and each warm process, one that is the group of databases, one that installs packages.
    const slots = options.slots + options.warmProcesses;
    const users = ownUsers ? await claimUserRange(options.firstUid, slots + 2) : undefined;
    const isolation: Isolation = users
      ? { kind: "own-user", firstUid: users.firstUid, slots }
      : await chooseUnprivilegedIsolation(options.isolation ?? "auto", () => python);
    if (options.isolation === "require" && isolation.kind === "none") {
      throw new PlatformError("unavailable", describeIsolation(isolation).text);
    }
    const controlGroups = await prepareControlGroups(
      { wanted: options.cgroup ?? "auto", fork: options.fork, findPython: () => python },
      runRoot.path,
    );
    const group = databaseGroup(isolation);
    const databases = await DatabaseArea.choose({ dataDirectory, path: options.sqlDirectory, group });
    const environments = await openEnvironments({
      ...options,
      isolation,
      node,
      findPython: () => python,
      // Without this each of its scripts would compile the SDK anew: they may not write.
      adopt: (interpreter) => compilePythonLibrary(interpreter, library),
    });
    const furniture = [library, node, ...(hasBun ? [bun.command] : [])];
    const parts = {
      runRoot,
      runtimes,
      isolation,
      library,
      furniture,
      furnish,
      users,
      databases,
      findPython: () => python,
      environments,
      controlGroups,
    };
    const runner = new ProcessStepRunner(options, parts);
    await runner.launcher.ready();
    // Begun now, so that the first run finds it; without a Python there is nothing to warm.
    python.then(({ command }) => runner.zygotes?.of(command)).catch(() => {});
    return runner;
  }

  run(request: StepRequest, host: StepHost): RunningStep {
    return this.#running.add(this.#runWarm(request, host) ?? this.#runAlone(request, host));
  }

  /** Undefined: it is to have a process of its own. */
  #runWarm(request: StepRequest, host: StepHost): RunningStep | undefined {
    if (request.isolation.level !== "warm") return undefined;
    const runtime = this.runtimes.forScript(request.script, request.runtime);
    return runtime?.hostCommand && this.#launches.keepsProcesses(request) ? this.#warm.run(request, host) : undefined;
  }

  #runAlone(request: StepRequest, host: StepHost): RunningStep {
    const { level, network } = request.isolation;
    const alone = level === "warm" ? { ...request, isolation: { level: "process" as const, network } } : request;
    return new RunningScript(alone, host, this.#partsOf(alone));
  }

  /** What a step needs in the slot that it names. */
  #partsOf(request: StepRequest): ScriptParts {
    const owner = userOfSlot(this.isolation, request.slot);
    return {
      clock: this.#options.clock,
      learn: (modules) => this.#launches.learn(request, modules),
      prepare: (place) => this.#launches.prepare(request, place),
      channel: () => this.#channels.open(request.slot, owner, this.#launches.userOf(request)),
      resolve: async () => {
        await this.#mend();
        return this.#resolve(request);
      },
      scratch: () => this.runRoot.scratch(request.slot, owner),
      emptyScratch: () => this.runRoot.emptyScratch(request.slot, owner),
      clearScratch: () => this.runRoot.clearScratch(request.slot, owner),
    };
  }

  /** The language of a script whose packages are installed. */
  languageOf(script: string): EnvironmentLanguage | undefined {
    const name = this.runtimes.forScript(script)?.name;
    // npm's packages, whichever of the two runs them.
    if (name === "node" || name === "bun") return "node";
    return name === "python" ? name : undefined;
  }

  /** Of several scripts, each language once. */
  languagesOf(scripts: readonly string[]): EnvironmentLanguage[] {
    const languages = scripts.map((script) => this.languageOf(script)).filter((language) => language !== undefined);
    return [...new Set(languages)];
  }

  /** Python that is worth it, by the interpreter of the version's manifest. */
  async compile({ manifest, files }: ServiceVersion, directory: string): Promise<void> {
    const own = files.filter(({ path }) => path.endsWith(".py"));
    if (own.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) < worthCompilingBytes) return;
    const python = await this.environments.python(manifest).catch(() => undefined);
    if (python) await compilePythonScripts(python, directory);
  }

  /** Kills what still runs; those steps end as `stopped`. */
  async close(): Promise<void> {
    await this.environments.close();
    await this.#running.close();
    await this.#warm.close();
    await this.zygotes?.close();
    await leaveControlGroups(this.controlGroups);
    await this.launcher.close();
    await this.#channels.close();
    await this.runRoot.close();
    await this.#users?.release();
  }

  async #resolve({ script, runtime: wanted, context, isolation }: StepRequest): Promise<string | undefined> {
    const runtime = this.runtimes.forScript(script, wanted);
    if (!runtime) return `nothing here runs '${script}'; scripts end in ${this.runtimes.extensions.join(" ")}`;
    const hindrance = isolation.level === "sandbox" ? await this.#launches.sandboxHindrance() : undefined;
    if (hindrance !== undefined) return hindrance;
    let resolved = this.#resolved.get(runtime);
    if (!resolved) {
      resolved = runtime.resolve();
      this.#resolved.set(runtime, resolved);
    }
    return resolved
      .then(() => (runtime.usesDatabases ? this.#databases.lay(context.service.project) : undefined))
      .then(() => undefined, messageOf);
  }

  /** A platform lives for months, and temporary directories are tidied meanwhile: what is gone is made again. */
  async #mend(): Promise<void> {
    if (this.runRoot.isWhole && this.#furniture.every((path) => existsSync(path))) return;
    this.#mending ??= this.runRoot
      .lay()
      .then(async () => void (await this.#furnish()))
      .finally(() => {
        this.#mending = undefined;
      });
    await this.#mending;
  }
}
