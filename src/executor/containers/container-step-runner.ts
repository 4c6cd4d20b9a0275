import type { Clock } from "../../foundation/clock.ts";
import { messageOf } from "../../foundation/errors.ts";
import type { ExecutionId } from "../../foundation/ids.ts";
import type { Log } from "../../foundation/log.ts";
import type { Random } from "../../foundation/random.ts";
import { RemoteStep } from "../remote-step.ts";
import { RunningSteps } from "../running-steps.ts";
import type { RunningStep, StepHost, StepRequest, StepRunner } from "../step-runner.ts";
import { ContainerWork } from "./container-work.ts";
import { EngineFinder } from "./engine-finder.ts";
import { GivenFiles } from "./given-files.ts";
import { labels } from "./places.ts";

export interface ContainerStepRunnerOptions {
  /** Where an engine may listen, the first that answers is taken; empty: there are no containers. */
  engines: readonly string[];
  dataDirectory: string;
  runRoot: string;
  /** Instead of the machine's memory; see GivenFiles. */
  filesDirectory?: string | undefined;
  /** The directory of the SDKs. */
  library: string;
  /** Marks the containers of this data directory. */
  platform: string;
  clock: Clock;
  random: Random;
  log: Log;
}

/** Runs each step as a container of the engine; finds it when the first one is to run. */
export class ContainerStepRunner implements StepRunner {
  readonly #options: ContainerStepRunnerOptions;
  readonly #finder: EngineFinder;
  readonly #files: GivenFiles;
  readonly #running = new RunningSteps();
  /** Their containers are not to be swept away. */
  readonly #attempts = new Map<ExecutionId, { attempt: number; step: RunningStep }>();

  private constructor(options: ContainerStepRunnerOptions, files: GivenFiles) {
    this.#options = options;
    this.#finder = new EngineFinder(options.engines, options.clock);
    this.#files = files;
  }

  static async open(options: ContainerStepRunnerOptions): Promise<ContainerStepRunner> {
    const { dataDirectory, runRoot, filesDirectory: path } = options;
    return new ContainerStepRunner(options, await GivenFiles.open({ dataDirectory, runRoot, path }));
  }

  run(request: StepRequest, host: StepHost): RunningStep {
    const { elsewhere } = request;
    if (elsewhere?.kind !== "container") throw new Error(`${request.script} is no container`);
    const { clock } = this.#options;
    const parts = { ...this.#options, files: this.#files, engine: (signal: AbortSignal) => this.#finder.find(signal) };
    const work = (host: StepHost) => new ContainerWork(parts, request, host, elsewhere);
    const step = this.#running.add(new RemoteStep(request, host, work, clock));
    const { executionId, attempt } = request;
    this.#attempts.set(executionId, { attempt, step });
    void step.result.then(() => {
      if (this.#attempts.get(executionId)?.step === step) this.#attempts.delete(executionId);
    });
    return step;
  }

  /**
   * Removes our containers that nobody watches: those of an executor that was killed, and those that could not be
   * removed when they ended. `isLive` tells of an attempt that another executor may be running.
   */
  async sweep(
    isLive: (execution: ExecutionId, attempt: number) => Promise<boolean>,
    signal?: AbortSignal,
  ): Promise<number> {
    const engine = await this.#finder.find(signal).catch((error) => {
      // Where an engine was, what it holds is still to be removed; where none is, there is nothing to say each time.
      if (this.#finder.isKnown) throw error;
      return undefined;
    });
    let removed = 0;
    for (const { id, labels: own } of (await engine?.list({ [labels.platform]: this.#options.platform }, signal)) ??
      []) {
      const execution = own[labels.execution] as ExecutionId;
      const attempt = Number(own[labels.attempt]);
      if (this.#attempts.get(execution)?.attempt === attempt || (await isLive(execution, attempt))) continue;
      await engine?.remove(id, signal);
      removed += 1;
    }
    return removed;
  }

  /** Why no step could begin now. */
  async hindrance(): Promise<string | undefined> {
    return this.#finder.find().then(() => undefined, messageOf);
  }

  /** Kills what still runs; those steps end as `stopped`. */
  async close(): Promise<void> {
    await this.#running.close();
    await this.#files.close();
  }
}
