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
