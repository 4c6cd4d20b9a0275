import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KubernetesStepRunner } from "../../src/executor/kubernetes/kubernetes-step-runner.ts";
import type { ProcessStepRunner } from "../../src/executor/process-step-runner.ts";
import { systemClock } from "../../src/foundation/clock.ts";
import { createIds, type ExecutionId } from "../../src/foundation/ids.ts";
import { silentLog } from "../../src/foundation/log.ts";
import { systemRandom } from "../../src/foundation/random.ts";
import { jobFile } from "../../src/services/elsewhere.ts";
import { openRunner, runScript, type ScriptRun } from "../integration/runtimes/script-runs.ts";
import { eventually } from "./eventually.ts";
import type { ClusterObject, JobCluster } from "./job-cluster.ts";

const file = `apiVersion: batch/v1
kind: Job
metadata:
  name: will-be-replaced
  labels: {team: orders}
spec:
  template:
    spec:
      activeDeadlineSeconds: 600
      containers:
        - name: main
          image: registry.example/orders:1
          resources: {limits: {memory: 96Mi}}
          env: [{name: MODE, value: fast}]
`;

export interface JobRun extends ScriptRun {
  /** Of its Job. */
  name: string;
  executionId: ExecutionId;
  /** Waits for its Job. */
  submitted(): Promise<ClusterObject>;
}

/** Runs the same Job again and again in a cluster. */
export class JobRuns {
  readonly #cluster: JobCluster | undefined;
  readonly #processes: ProcessStepRunner;
  readonly #runner: KubernetesStepRunner;
  readonly #ids = createIds(systemClock, systemRandom);

  private constructor(cluster: JobCluster | undefined, processes: ProcessStepRunner, kubeconfig: string) {
    this.#cluster = cluster;
    this.#processes = processes;
    const source = cluster === undefined ? undefined : { kubeconfig };
    this.#runner = new KubernetesStepRunner({
      source,
      environment: { PATH: process.env.PATH ?? "" },
      clock: systemClock,
      log: silentLog,
    });
  }

  /** In an empty directory. Without a cluster none is known to whoever runs. */
  static async open(directory: string, cluster?: JobCluster): Promise<JobRuns> {
    const kubeconfig = join(directory, "kubeconfig");
    if (cluster !== undefined) writeFileSync(kubeconfig, cluster.kubeconfig);
    const data = join(directory, "data");
    mkdirSync(data);
    return new JobRuns(cluster, await openRunner(data), kubeconfig);
  }

  run(options: Parameters<typeof runScript>[3] & { secrets?: string[] } = {}): JobRun {
    const { secrets = [], request, ...rest } = options;
    const executionId = request?.executionId ?? (this.#ids.next() as ExecutionId);
    const whole = { executionId, elsewhere: { kind: "k8s_job" as const, secrets }, ...request };
    const both = { run: this.#runner.run.bind(this.#runner), runRoot: this.#processes.runRoot };
    const name = `fx-${executionId}`;
    const submitted = () => eventually(() => this.#cluster?.job(name));
    const started = runScript(both, { [jobFile]: file }, jobFile, { ...rest, request: whole });
    return { name, executionId, submitted, ...started };
  }

  async close(): Promise<void> {
    await this.#runner.close();
    await this.#processes.close();
  }
}
