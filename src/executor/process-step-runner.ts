import { join } from "node:path";
import { messageOf } from "../foundation/errors.ts";
import type { ServiceVersion } from "../services/service.ts";
import { StartedAhead } from "./ahead/started-ahead.ts";
import { SlotChannels } from "./channel/slot-channels.ts";
import type { EnvironmentLanguage, Environments } from "./environments/environments.ts";
import { type ControlGroups, leaveControlGroups } from "./isolation/control-groups.ts";
import type { Isolation } from "./isolation/isolation.ts";
import type { User } from "./isolation/run-users.ts";
import { launchedTools } from "./launcher/launched-tools.ts";
import { LauncherClient } from "./launcher/launcher-client.ts";
import { Leavings } from "./leavings/leavings.ts";
import { openRunnerParts, type RunnerParts } from "./open-runner-parts.ts";
import type { ProcessStepRunnerOptions } from "./process-runner-options.ts";
import type { RunRoot } from "./run-root.ts";
import { RunningScript, type SlotParts } from "./running-script.ts";
import { RunningSteps } from "./running-steps.ts";
import { compilePythonScripts } from "./runtimes/python.ts";
import type { RuntimeRegistry } from "./runtimes/registry.ts";
import type { Runtime } from "./runtimes/runtime.ts";
import { StepLaunches } from "./step-launches.ts";
import type { ProcessRequest, RunningStep, StepHost, StepRequest, StepRunner } from "./step-runner.ts";
import { WarmHosts } from "./warm/warm-hosts.ts";
import { Zygotes } from "./zygote/zygotes.ts";

const defaultSqlStatementMs = 60_000;
/** Of Python: compiling less takes a run less than a millisecond. */
const worthCompilingBytes = 4 * 1024;

/** Runs each script as its own process, through the launcher, with a private channel. */
export class ProcessStepRunner implements StepRunner {
  readonly launcher: LauncherClient;
  readonly zygotes: Zygotes | undefined;
  readonly ahead: StartedAhead;
  readonly #options: ProcessStepRunnerOptions;
  readonly #parts: RunnerParts;
  readonly #channels: SlotChannels;
  readonly #launches: StepLaunches;
  readonly #resolved = new Map<Runtime, Promise<void>>();
  readonly #warm: WarmHosts;
  readonly #running = new RunningSteps();
  readonly #leavings: Leavings;

  private constructor(options: ProcessStepRunnerOptions, launcher: LauncherClient, parts: RunnerParts) {
    this.#options = options;
    this.#parts = parts;
    this.launcher = launcher;
    const { library } = this;
    const { clock, log, slots, reliefSlots, warmProcesses, aheadProcesses, dataDirectory } = options;
    const places = slots + reliefSlots;
    const { sqlStatementMs = defaultSqlStatementMs } = options;
    const { runRoot, controlGroups } = parts;
    const sdk = join(library, "python");
    const socketDirectory = runRoot.zygoteDirectory;
    const forks = options.fork !== "off" && Zygotes.supported;
    if (options.fork !== "off" && !Zygotes.supported) {
      log.warn({}, "each script is started anew, which takes longer: a warm Python can be forked on Linux only");
    }
    const groups = "directory" in controlGroups ? controlGroups.directory : undefined;
    this.zygotes = forks ? new Zygotes({ launcher, sdk, groups, socketDirectory, clock, log }) : undefined;
    this.#channels = new SlotChannels(runRoot, options);
    this.#leavings = new Leavings({ launcher, clock, log });
    const { zygotes } = this;
    this.#launches = new StepLaunches({ ...parts, launcher, zygotes, library, dataDirectory, sqlStatementMs });
    const partsOf = (request: ProcessRequest) => this.#partsOf(request);
    this.#warm = new WarmHosts({ clock, places: placesFrom(places, warmProcesses), partsOf });
    this.ahead = new StartedAhead({
      clock,
      places: placesFrom(places + warmProcesses, aheadProcesses),
      partsOf,
      canWait: (request) => this.#launches.canWait(request),
      isCalm: () => this.#running.size < slots,
    });
  }

  /**
   * Resolves when it can run scripts. A missing interpreter is no error here: its scripts end `unstartable`.
   * Rejects with `unavailable` when isolation is required and there is none.
   */
  static async open(options: ProcessStepRunnerOptions): Promise<ProcessStepRunner> {
    const launcher = new LauncherClient(options);
    const parts = await openRunnerParts(options, launcher).catch(async (error) => {
      await launcher.close();
      throw error;
    });
    const runner = new ProcessStepRunner(options, launcher, parts);
    await launcher.ready();
    const { users } = parts;
    if (users) await runner.#leavings.removeOfAll((uid) => users.isLeft(uid));
    // Begun now, so that the first run finds it; without a Python there is nothing to warm.
    parts
      .findPython()
      .then(({ command }) => runner.zygotes?.of(command))
      .catch(() => {});
    return runner;
  }

  get runRoot(): RunRoot {
    return this.#parts.runRoot;
  }

  get runtimes(): RuntimeRegistry {
    return this.#parts.runtimes;
  }

  get isolation(): Isolation {
    return this.#parts.isolation;
  }

  get controlGroups(): ControlGroups {
    return this.#parts.controlGroups;
  }

  /** What scripts import from. */
  get environments(): Environments {
    return this.#parts.environments;
  }

  /** The directory of the SDKs, readable by every user. */
  get library(): string {
    return this.#parts.furniture.library;
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
    const step = new RunningScript(alone, host, this.#partsOf(alone), this.ahead.take(alone));
    void step.result.then(() => this.ahead.want(alone));
    return step;
  }

  /** What one process needs in the slot that its request names. */
  #partsOf(request: ProcessRequest): SlotParts {
    let given: { user: User | undefined } | undefined;
    const leavings = request.isolation.level === "sandbox" ? undefined : this.#leavings;
    // Not before it begins: a step that finds its process started ahead has no need of another user.
    const user = () => {
      given ??= { user: this.#launches.nextUser(request) };
      return given.user;
    };
    return {
      clock: this.#options.clock,
      learn: (modules) => this.#launches.learn(request, modules),
      prepare: (place) => this.#launches.prepare(request, place, user()),
      channel: () => this.#channels.open(request.slot, user()),
      resolve: async () => {
        await this.#parts.furniture.mend();
        return this.#resolve(request);
      },
      scratch: () => this.runRoot.scratch(request.slot, user()),
      emptyScratch: () => this.runRoot.emptyScratch(request.slot),
      clearScratch: async () => {
        await this.runRoot.clearScratch(request.slot);
        if (given?.user) await leavings?.removeOf(given.user);
      },
    };
  }

  /** Why no script could have its sandbox. */
  sandboxHindrance(): Promise<string | undefined> {
    return this.#launches.sandboxHindrance();
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
    if (python) await compilePythonScripts(python, directory, launchedTools(this.launcher));
  }

  forgetReplay(slot: number): Promise<void> {
    return this.runRoot.removeCopies(slot);
  }

  /** Kills what still runs; those steps end as `stopped`. */
  async close(): Promise<void> {
    this.ahead.stop();
    await this.environments.close();
    await this.#running.close();
    await this.#warm.close();
    await this.ahead.close();
    await this.zygotes?.close();
    await leaveControlGroups(this.controlGroups);
    await this.launcher.close();
    await this.#channels.close();
    await this.runRoot.close();
    this.#parts.users?.release();
  }

  async #resolve(request: ProcessRequest): Promise<string | undefined> {
    const { script, runtime: wanted, isolation } = request;
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
      .then(() => (runtime.usesDatabases ? this.#layDatabases(request) : undefined))
      .then(() => undefined, messageOf);
  }

  async #layDatabases({ context, slot, isReplay }: ProcessRequest): Promise<void> {
    const { databases, runRoot, users } = this.#parts;
    await databases.lay(context.service.project);
    if (isReplay) await runRoot.layCopies(slot, users?.databaseGroup);
  }
}

function placesFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
