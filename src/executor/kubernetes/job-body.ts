import type { Json } from "../../foundation/json.ts";
import type { Job } from "../../services/job-file.ts";
import { runVariables, textOf } from "../run-variables.ts";
import type { StepRequest } from "../step-runner.ts";

/** Marks of our Jobs and Secrets. */
export const jobLabels = { execution: "streamzero.fx/execution", attempt: "streamzero.fx/attempt" } as const;

const contextKey = "context.json";
/** How long a Job that has ended stays to be looked at, where the file does not say. */
const keepSeconds = 300;
const variableNames = /^(?!FX_)[A-Za-z_][A-Za-z0-9_]*$/;

/** One a cluster's namespace and execution: two attempts of one execution cannot both have a Job. */
export function jobNameOf({ executionId }: Pick<StepRequest, "executionId">): string {
  return `fx-${executionId}`;
}

/** What the Job's containers are given, as an object that only those who may read secrets can read, and that goes with its Job. `jobUid`: by the cluster. */
export function secretBody(request: StepRequest, secrets: ReadonlyMap<string, Json>, jobUid: string): unknown {
  const name = jobNameOf(request);
  const owner = { apiVersion: "batch/v1", kind: "Job", name, uid: jobUid };
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, labels: labelsOf(request), ownerReferences: [owner] },
    stringData: {
      ...runVariables(request.context),
      [contextKey]: JSON.stringify(request.context),
      ...Object.fromEntries([...secrets].map(([name, value]) => [`secret.${name}`, textOf(value)])),
    },
  };
}

/** The service's Job, with its name, its limits in time, and in each container what it is given. */
export function jobBody(job: Job, request: StepRequest, secrets: readonly string[]): unknown {
  const name = jobNameOf(request);
  const labels = labelsOf(request);
  const { template } = job.spec;
  const pod = template.spec;
  const variables = [
    ...Object.keys(runVariables(request.context)).map((key) => [key, key] as const),
    ...secrets.filter((secret) => variableNames.test(secret)).map((secret) => [secret, `secret.${secret}`] as const),
  ].map(([variable, key]) => ({ name: variable, valueFrom: { secretKeyRef: { name, key } } }));
  const give = (container: Job["spec"]["template"]["spec"]["containers"][number]) => ({
    ...container,
    env: [...(container.env ?? []), ...variables, { name: "FX_CONTEXT", value: `/fx/${contextKey}` }],
    volumeMounts: [...(container.volumeMounts ?? []), { name: "fx", mountPath: "/fx", readOnly: true }],
  });
  const items = [
    { key: contextKey, path: contextKey },
    ...secrets.map((secret) => ({ key: `secret.${secret}`, path: `secrets/${secret}` })),
  ];
  return {
    ...job,
    metadata: { ...job.metadata, name, labels: { ...job.metadata?.labels, ...labels } },
    spec: {
      // Attempts are the manifest's `retries`: each of them is to be seen.
      backoffLimit: 0,
      ttlSecondsAfterFinished: keepSeconds,
      ...job.spec,
      // When nobody is left to end it, the cluster does.
      activeDeadlineSeconds: Math.ceil(request.timeoutMs / 1000),
      template: {
        ...template,
        metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...labels } },
        spec: {
          restartPolicy: "Never",
          ...pod,
          containers: pod.containers.map(give),
          ...(pod.initContainers ? { initContainers: pod.initContainers.map(give) } : {}),
          volumes: [...(pod.volumes ?? []), { name: "fx", secret: { secretName: name, items } }],
        },
      },
    },
  };
}

function labelsOf({ executionId, attempt }: StepRequest): Record<string, string> {
  return { [jobLabels.execution]: executionId, [jobLabels.attempt]: String(attempt) };
}
