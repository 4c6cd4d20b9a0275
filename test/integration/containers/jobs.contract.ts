import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jobLabels } from "../../../src/executor/kubernetes/job-body.ts";
import { eventually } from "../../support/eventually.ts";
import type { ClusterObject, JobCluster } from "../../support/job-cluster.ts";
import { type JobRun, JobRuns } from "../../support/job-runs.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";

/** What a Job's run is, whatever cluster it runs in. */
export function jobsContract(start: () => Promise<JobCluster>): void {
  describe("a Job", () => {
    const directory = tempDirForFile();
    let cluster: JobCluster;
    let runs: JobRuns;

    beforeAll(async () => {
      cluster = await start();
      runs = await JobRuns.open(directory, cluster);
    });
    afterAll(async () => {
      await runs?.close();
      await cluster?.close();
    });

    const run = (...options: Parameters<JobRuns["run"]>): JobRun => runs.run(...options);

    async function expectGone(name: string): Promise<void> {
      await eventually(async () => {
        const left = [await cluster.job(name), ...(await cluster.pods(name)), await cluster.secret(name)];
        return left.every((each) => each === undefined);
      });
    }

    it("is submitted with what it is given, its log followed while it runs, and ends as it ended", async () => {
      const host = { getSecret: async () => "s-123456" };
      const job = run({ params: { city: "Olten" }, secrets: ["API_KEY"], host });
      const { name } = job;
      const submitted = (await job.submitted()) as ClusterObject & { spec: Record<string, unknown> };
      expect(submitted.metadata.labels).toMatchObject({ team: "orders", [jobLabels.attempt]: "1" });
      expect(submitted.spec).toMatchObject({
        backoffLimit: 0,
        ttlSecondsAfterFinished: 300,
        activeDeadlineSeconds: 20,
      });
      const { containers, restartPolicy, volumes } = (
        submitted.spec.template as {
          spec: { containers: { env: object[] }[]; restartPolicy: string; volumes: object[] };
        }
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
      expect(JSON.stringify(submitted)).not.toContain("s-123456");
      const secret = await eventually(() => cluster.secret(name));
      const { data } = secret as { data?: Record<string, string> };
      // From its first moment: the cluster removes it with the Job, whatever becomes of us.
      expect(secret.metadata.ownerReferences).toMatchObject([{ kind: "Job", name, uid: submitted.metadata.uid }]);
      const given = (key: string) => Buffer.from(data?.[key] ?? "", "base64").toString();
      expect([given("FX_PARAM_CITY"), given("secret.API_KEY")]).toEqual(["Olten", "s-123456"]);

      await cluster.report(name, { running: {} });
      await cluster.write(name, "first\n");
      await job.waitFor(/(first)/);
      await cluster.write(name, "second\n");
      await cluster.finish(name, 0);
      expect(await job.result).toMatchObject({ kind: "exited", exitCode: 0 });
      expect(job.stdout()).toBe("first\nsecond\n");
      // The cluster removes both when their time is over.
      expect(await cluster.job(name)).toBeDefined();
      expect(await cluster.secret(name)).toBeDefined();
    });

    it("that fails ends with its container's exit code", async () => {
      const { name, submitted, result, stderr } = run();
      await submitted();
      await cluster.finish(name, 9);
      expect(await result).toMatchObject({ kind: "exited", exitCode: 9 });
      expect(stderr()).toContain("BackoffLimitExceeded");
    });

    it("that is cancelled is deleted, with its pods and what it was given", async () => {
      const { name, submitted, step, result } = run();
      await submitted();
      await cluster.report(name, { running: {} });
      step.stop("cancelled", 100);
      expect(await result).toMatchObject({ kind: "stopped", reason: "cancelled" });
      await expectGone(name);
    });

    it("that takes too long is deleted", async () => {
      const { name, submitted, result } = run({ request: { timeoutMs: 900 } });
      await submitted();
      expect(await result).toMatchObject({ kind: "timeout", timeoutMs: 900 });
      await expectGone(name);
    });

    it("D8: is deleted when its lease is not renewed", async () => {
      const { name, submitted, step, result } = run();
      await submitted();
      step.keepAlive(50);
      expect(await result).toMatchObject({ kind: "stopped", reason: "lease-lost" });
      await expectGone(name);
    });

    it("D8: of an executor that is gone is deleted, with its pod, before the next attempt's is submitted", async () => {
      const first = run();
      const former = await first.submitted();
      await cluster.report(first.name, { running: {} });
      const [pod] = await cluster.pods(first.name);
      const second = run({ request: { executionId: first.executionId, attempt: 2 } });
      const next = await eventually(async () => {
        const job = await cluster.job(first.name);
        return job?.metadata.labels?.[jobLabels.attempt] === "2" && job;
      });
      expect(next.metadata.uid).not.toBe(former.metadata.uid);
      const pods = await cluster.pods(first.name);
      expect(pods.map(({ metadata }) => metadata.uid)).not.toContain(pod?.metadata.uid);
      second.step.stop("cancelled", 0);
      await Promise.all([first.result, second.result]);
      await expectGone(first.name);
    });

    it("that wants more memory than it may have ends with the limit's value and place", async () => {
      const { name, submitted, result } = run();
      await submitted();
      await cluster.finish(name, 137, "OOMKilled");
      const message =
        "used more than its 96Mi of memory (resources.limits.memory of container main in deployment.yaml)";
      expect(await result).toMatchObject({ kind: "limited", message });
    });

    it("whose image cannot be had does not wait for ever, and says which and why", async () => {
      const { name, submitted, result } = run();
      await submitted();
      const waiting = { reason: "ImagePullBackOff", message: 'Back-off pulling image "orders:1"' };
      await cluster.report(name, { waiting });
      const message =
        /the image registry\.example\/orders:1 of container main .*ImagePullBackOff: Back-off pulling image/;
      expect(await result).toEqual({ kind: "unstartable", message: expect.stringMatching(message) });
      await expectGone(name);
    });
  });
}
