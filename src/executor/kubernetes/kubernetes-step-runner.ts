import type { Clock } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { Log } from "../../foundation/log.ts";
import { RemoteStep } from "../remote-step.ts";
import { RunningSteps } from "../running-steps.ts";
import type { RunningStep, StepHost, StepRequest, StepRunner } from "../step-runner.ts";
import { Cluster } from "./cluster.ts";
import type { ClusterSource } from "./cluster-access.ts";
import { JobWork } from "./job-work.ts";
import { PluginCredentials } from "./plugin-credentials.ts";

export interface KubernetesStepRunnerOptions {
  /** Undefined: there is no cluster. */
  source: ClusterSource | undefined;
  /** Of the programs that a kubeconfig has for credentials. */
  environment: Readonly<Record<string, string>>;
  clock: Clock;
  log: Log;
}

const noCluster =
  "no Kubernetes cluster is known here: say where its kubeconfig is (setting executor.kubernetes.kubeconfig)";

/** Runs each step as a Job of a Kubernetes cluster. */
export class KubernetesStepRunner implements StepRunner {
  readonly #options: KubernetesStepRunnerOptions;
  readonly #running = new RunningSteps();
  readonly #plugins: PluginCredentials;

  constructor(options: KubernetesStepRunnerOptions) {
    this.#options = options;
    this.#plugins = new PluginCredentials(options.environment, options.clock);
  }

  run(request: StepRequest, host: StepHost): RunningStep {
    const { source, clock } = this.#options;
    const cluster = async (signal: AbortSignal) => {
      if (source !== undefined) return Cluster.open(source, this.#plugins, signal);
      throw new PlatformError("unavailable", noCluster, { retryable: false });
    };
    const secrets = request.elsewhere?.secrets ?? [];
    const work = (host: StepHost) => new JobWork({ ...this.#options, cluster }, request, host, secrets);
    return this.#running.add(new RemoteStep(request, host, work, clock));
  }

  /** Why no step could ever begin. Asks no cluster: one that is away comes back. */
  get hindrance(): string | undefined {
    return this.#options.source === undefined ? noCluster : undefined;
  }

  /** Ends what still runs; those steps end as `stopped`. */
  async close(): Promise<void> {
    await this.#running.close();
  }
}
