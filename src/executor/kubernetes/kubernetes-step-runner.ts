import type { Clock } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { Log } from "../../foundation/log.ts";
import { RemoteStep } from "../remote-step.ts";
import { RunningSteps } from "../running-steps.ts";
import type { RunningStep, StepHost, StepRequest, StepRunner } from "../step-runner.ts";
import { type ClusterSource, readClusterAccess } from "./cluster-access.ts";
import { JobWork } from "./job-work.ts";

export interface KubernetesStepRunnerOptions {
  /** Undefined: there is no cluster. */
  source: ClusterSource | undefined;
  clock: Clock;
  log: Log;
}

/** Runs each step as a Job of a Kubernetes cluster. */
export class KubernetesStepRunner implements StepRunner {
  readonly #options: KubernetesStepRunnerOptions;
  readonly #running = new RunningSteps();

  constructor(options: KubernetesStepRunnerOptions) {
    this.#options = options;
  }

  run(request: StepRequest, host: StepHost): RunningStep {
    const { source, clock } = this.#options;
    const access = async () => {
      if (source !== undefined) return readClusterAccess(source);
      const message =
        "no Kubernetes cluster is known here: say where its kubeconfig is (setting executor.kubernetes.kubeconfig)";
      throw new PlatformError("unavailable", message, { retryable: false });
    };
    const secrets = request.elsewhere?.secrets ?? [];
    const work = (host: StepHost) => new JobWork({ ...this.#options, access }, request, host, secrets);
    return this.#running.add(new RemoteStep(request, host, work, clock));
  }

  /** Ends what still runs; those steps end as `stopped`. */
  async close(): Promise<void> {
    await this.#running.close();
  }
}
