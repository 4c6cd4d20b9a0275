import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jobLabels } from "../../../src/executor/kubernetes/job-body.ts";
import { KubernetesStepRunner } from "../../../src/executor/kubernetes/kubernetes-step-runner.ts";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { createIds, type ExecutionId } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { jobFile } from "../../../src/services/elsewhere.ts";
import { eventually } from "../../support/eventually.ts";
import { KubernetesApi } from "../../support/kubernetes-api.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { openRunner, runScript } from "../runtimes/script-runs.ts";

const file = `apiVersion: batch/v1
kind: Job
metadata:
  name: will-be-replaced
  labels: {team: orders}
spec:
  template:
    spec:
      containers:
        - name: main
          image: registry.example/orders:1
          env: [{name: MODE, value: fast}]
`;

describe("a Job", () => {
  const directory = tempDirForFile();
  const ids = createIds(systemClock, systemRandom);
  let api: KubernetesApi;
  let processes: ProcessStepRunner;
  let runner: KubernetesStepRunner;

  beforeAll(async () => {
    api = await KubernetesApi.start();
    const kubeconfig = join(directory, "config");
    writeFileSync(kubeconfig, api.kubeconfig);
    mkdirSync(join(directory, "data"));
    processes = await openRunner(join(directory, "data"));
    runner = new KubernetesStepRunner({ source: { kubeconfig }, clock: systemClock, log: silentLog });
  });
  afterAll(async () => {
    await runner?.close();
    await processes?.close();
    await api?.close();
  });

  function run(options: Parameters<typeof runScript>[3] & { secrets?: string[] } = {}) {
    const { secrets = [], request, ...rest } = options;
    const executionId = request?.executionId ?? (ids.next() as ExecutionId);
    const whole = { executionId, elsewhere: { kind: "k8s_job" as const, secrets }, ...request };
    const both = { run: runner.run.bind(runner), runRoot: processes.runRoot };
    const name = `fx-${executionId}`;
    const submitted = () => eventually(() => api.jobs.get(name));
    return {
      name,
      executionId,
      submitted,
      ...runScript(both, { [jobFile]: file }, jobFile, { ...rest, request: whole }),
    };
  }

  it("is submitted with what it is given, its log followed while it runs, and ends as it ended", async () => {
    const host = { getSecret: async () => "s-123456" };
    const { name, submitted, result, waitFor, stdout } = run({ params: { city: "Olten" }, secrets: ["API_KEY"], host });
    const job = (await submitted()) as unknown as { metadata: { labels: object }; spec: Record<string, unknown> };
    expect(job.metadata.labels).toMatchObject({ team: "orders", [jobLabels.attempt]: "1" });
    expect(job.spec).toMatchObject({ backoffLimit: 0, ttlSecondsAfterFinished: 300, activeDeadlineSeconds: 20 });
    const { containers, restartPolicy, volumes } = (
      job.spec.template as { spec: { containers: { env: object[] }[]; restartPolicy: string; volumes: object[] } }
    ).spec;
    expect(restartPolicy).toBe("Never");
    expect(volumes).toMatchObject([{ name: "fx", secret: { secretName: name } }]);
    expect(containers[0]?.env).toEqual(
      expect.arrayContaining([
        { name: "MODE", value: "fast" },
        { name: "FX_PARAM_CITY", valueFrom: { secretKeyRef: { name, key: "FX_PARAM_CITY" } } },
        { name: "API_KEY", valueFrom: { secretKeyRef: { name, key: "secret.API_KEY" } } },
      ]),
    );
    expect(JSON.stringify(job)).not.toContain("s-123456");
    expect(api.secrets.get(name)).toMatchObject({
      stringData: { FX_PARAM_CITY: "Olten", "secret.API_KEY": "s-123456" },
    });
    api.report(name, { running: {} });
    api.write(name, "first\n");
    await waitFor(/(first)/);
    api.write(name, "second\n");
    api.report(name, { terminated: { exitCode: 0 } });
    api.end(name, "Complete");
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(stdout()).toBe("first\nsecond\n");
    // The cluster removes both when their time is over.
    expect(api.jobs.has(name)).toBe(true);
    expect(api.secrets.get(name)?.metadata.ownerReferences).toMatchObject([{ kind: "Job", name }]);
  });

  it("that fails ends with its container's exit code", async () => {
    const { name, submitted, result, stderr } = run();
    await submitted();
    api.report(name, { terminated: { exitCode: 9 } });
    api.end(name, "Failed", "BackoffLimitExceeded");
    expect(await result).toMatchObject({ kind: "exited", exitCode: 9 });
    expect(stderr()).toContain("BackoffLimitExceeded");
  });

  it("that is cancelled is deleted, with its pods and what it was given", async () => {
    const { name, submitted, step, result } = run();
    await submitted();
    api.report(name, { running: {} });
    step.stop("cancelled", 100);
    expect(await result).toMatchObject({ kind: "stopped", reason: "cancelled" });
    expect([api.jobs.has(name), api.pods.has(`${name}-pod`), api.secrets.has(name)]).toEqual([false, false, false]);
  });

  it("that takes too long is deleted", async () => {
    const { name, submitted, result } = run({ request: { timeoutMs: 200 } });
    await submitted();
    expect(await result).toMatchObject({ kind: "timeout", timeoutMs: 200 });
    expect(api.jobs.has(name)).toBe(false);
  });

  it("D8: is deleted when its lease is not renewed", async () => {
    const { name, submitted, step, result } = run();
    await submitted();
    step.keepAlive(50);
    expect(await result).toMatchObject({ kind: "stopped", reason: "lease-lost" });
    expect(api.jobs.has(name)).toBe(false);
  });

  it("D8: of an executor that is gone is deleted before the next attempt's is submitted", async () => {
    const first = run();
    const former = await first.submitted();
    const second = run({ request: { executionId: first.executionId, attempt: 2 } });
    await eventually(() => api.jobs.get(first.name)?.metadata.labels?.[jobLabels.attempt] === "2");
    expect(api.jobs.get(first.name)?.metadata.uid).not.toBe(former.metadata.uid);
    second.step.stop("cancelled", 0);
    await Promise.all([first.result, second.result]);
    expect(api.jobs.has(first.name)).toBe(false);
  });

  it("whose image cannot be had does not wait for ever", async () => {
    const { name, submitted, result } = run();
    await submitted();
    api.report(name, { waiting: { reason: "ImagePullBackOff", message: 'Back-off pulling image "orders:1"' } });
    expect(await result).toEqual({ kind: "unstartable", message: expect.stringContaining("Back-off pulling image") });
    expect(api.jobs.has(name)).toBe(false);
  });

  it("goes on while the cluster does not answer for a moment", async () => {
    const { name, submitted, result } = run();
    await submitted();
    await eventually(() => api.secrets.get(name)?.metadata.ownerReferences);
    const looks = api.requests.length;
    api.failing = 503;
    await eventually(() => api.requests.length >= looks + 2);
    api.failing = undefined;
    api.end(name, "Complete");
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
  });

  it("is lost, not failed, where the cluster does not answer at its start", async () => {
    api.failing = 503;
    const { result } = run();
    expect(await result).toMatchObject({ kind: "lost", message: expect.stringContaining("overloaded") });
    api.failing = undefined;
  });

  it("says where to name a cluster when none is known", async () => {
    const none = new KubernetesStepRunner({ source: undefined, clock: systemClock, log: silentLog });
    const both = { run: none.run.bind(none), runRoot: processes.runRoot };
    const { result } = runScript(both, { [jobFile]: file }, jobFile, {
      request: { elsewhere: { kind: "k8s_job", secrets: [] } },
    });
    expect(await result).toEqual({
      kind: "unstartable",
      message: expect.stringContaining("executor.kubernetes.kubeconfig"),
    });
  });
});
