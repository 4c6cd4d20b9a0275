import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { JobRuns } from "../../support/job-runs.ts";
import { KubernetesApi } from "../../support/kubernetes-api.ts";
import { tempDir, tempDirForFile } from "../../support/temp-dir.ts";
import { jobsContract } from "./jobs.contract.ts";

jobsContract(() => KubernetesApi.start());

describe("a Job of a cluster that has trouble", () => {
  const directory = tempDirForFile();
  let api: KubernetesApi;
  let runs: JobRuns;

  beforeAll(async () => {
    api = await KubernetesApi.start();
    runs = await JobRuns.open(directory, api);
  });
  afterAll(async () => {
    await runs?.close();
    await api?.close();
  });

  it("goes on while the cluster does not answer for a moment", async () => {
    const { name, submitted, result } = runs.run();
    await submitted();
    await eventually(async () => (await api.secret(name))?.metadata.ownerReferences);
    const looks = api.requests.length;
    api.failing = 503;
    await eventually(() => api.requests.length >= looks + 2);
    api.failing = undefined;
    await api.finish(name, 0);
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
  });

  it("that the cluster ends at its deadline has passed its timeout", async () => {
    const { name, submitted, result } = runs.run();
    await submitted();
    await api.endAtDeadline(name);
    expect(await result).toMatchObject({ kind: "timeout", timeoutMs: 20_000 });
  });

  it("whose pod passes a deadline of its own says which", async () => {
    const { name, submitted, result } = runs.run();
    await submitted();
    const message = "Pod was active on the node longer than the specified deadline";
    await api.endPod(name, { reason: "DeadlineExceeded", message });
    const told = "took longer than 600 s (activeDeadlineSeconds of the pod in deployment.yaml)";
    expect(await result).toMatchObject({ kind: "limited", message: told });
  });

  it("whose pod is evicted says what its node said", async () => {
    const { name, submitted, result } = runs.run();
    await submitted();
    await api.endPod(name, {
      reason: "Evicted",
      message: "Container main exceeded its local ephemeral storage limit.",
    });
    const told = expect.stringMatching(/was evicted .*exceeded its local ephemeral storage limit/);
    expect(await result).toMatchObject({ kind: "limited", message: told });
  });

  it("whose image could not be had tells the reason of the try, though the cluster forgets it", async () => {
    const { name, submitted, result } = runs.run();
    await submitted();
    const looks = api.requests.length;
    await api.report(name, { waiting: { reason: "ErrImagePull", message: "manifest unknown" } });
    await eventually(() => api.requests.slice(looks).filter((request) => request.endsWith("/pods")).length >= 2);
    await api.report(name, { waiting: { reason: "ImagePullBackOff", message: "Back-off pulling image" } });
    expect(await result).toEqual({ kind: "unstartable", message: expect.stringContaining("manifest unknown") });
  });

  it("D7: waits for a cluster that does not answer at its start, says so once in its log, and starts when it answers", async () => {
    api.failing = 503;
    const looks = api.requests.length;
    const { name, submitted, result, logged } = runs.run();
    await eventually(() => api.requests.length >= looks + 3);
    api.failing = undefined;
    await submitted();
    await api.finish(name, 0);
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(logged.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      expect.stringMatching(/^warning: waits: .*overloaded/),
    ]);
  });

  it("D8: is not started after it was stopped while it waited for a cluster", async () => {
    api.failing = 503;
    const looks = api.requests.length;
    const { name, result, step } = runs.run();
    await eventually(() => api.requests.length >= looks + 2);
    step.stop("cancelled", 0);
    expect(await result).toMatchObject({ kind: "stopped", reason: "cancelled" });
    api.failing = undefined;
    expect(await api.secret(name)).toBeUndefined();
  });
});

it("a Job says where to name a cluster when none is known", async () => {
  const runs = await JobRuns.open(tempDir());
  const { result } = runs.run();
  expect(await result).toEqual({
    kind: "unstartable",
    message: expect.stringContaining("executor.kubernetes.kubeconfig"),
  });
  await runs.close();
});
