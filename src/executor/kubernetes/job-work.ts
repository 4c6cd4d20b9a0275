import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, sleep } from "../../foundation/clock.ts";
import { isPlatformError, messageOf, PlatformError } from "../../foundation/errors.ts";
import type { Json } from "../../foundation/json.ts";
import type { Log } from "../../foundation/log.ts";
import { jobFile } from "../../services/elsewhere.ts";
import { readJob } from "../../services/job-file.ts";
import type { ApiCall } from "../api-client.ts";
import { givenSecrets } from "../given-secrets.ts";
import type { RelayedOutput } from "../relayed-output.ts";
import type { RemoteEnd, RemoteWords, RemoteWork } from "../remote-step.ts";
import type { StepHost, StepRequest } from "../step-runner.ts";
import type { Cluster } from "./cluster.ts";
import { jobBody, jobLabels, jobNameOf, secretBody } from "./job-body.ts";
import { begunIn, endOf, failedPullsOf, hindranceOf, type Pod } from "./pod.ts";

/** Between two looks at a Job. */
const lookMs = 1_000;

interface FoundJob {
  metadata: { uid: string; labels?: Record<string, string> };
  status?: { conditions?: { type: string; status: string; reason?: string; message?: string }[] };
}

export interface JobWorkParts {
  cluster(signal: AbortSignal): Promise<Cluster>;
  clock: Clock;
  log: Log;
}

/** One step that is a Job of a cluster. */
export class JobWork implements RemoteWork {
  readonly #parts: JobWorkParts;
  readonly #request: StepRequest;
  readonly #host: StepHost;
  readonly #secrets: readonly string[];
  #cluster: Cluster | undefined;
  #jobs = "";
  #core = "";
  #job: unknown;
  #given: ReadonlyMap<string, Json> = new Map();
  /** Its end has been seen: the cluster removes it when its time is over. */
  #isOver = false;

  constructor(parts: JobWorkParts, request: StepRequest, host: StepHost, secrets: readonly string[]) {
    this.#parts = parts;
    this.#request = request;
    this.#host = host;
    this.#secrets = secrets;
  }

  async prepare(signal: AbortSignal): Promise<void> {
    const reading = readJob(await readFile(join(this.#request.directory, jobFile), "utf8"));
    if (!reading.ok) {
      const [problem] = reading.problems;
      throw new PlatformError("invalid-input", `${problem?.path}: ${problem?.message}`, { problems: reading.problems });
    }
    this.#given = await givenSecrets(this.#host, this.#secrets);
    const cluster = await this.#parts.cluster(signal);
    const namespace = reading.job.metadata?.namespace ?? cluster.namespace;
    this.#jobs = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    this.#core = `/api/v1/namespaces/${namespace}`;
    this.#job = jobBody(reading.job, this.#request, this.#secrets);
    this.#cluster = cluster;
    await this.#removeFormer(signal);
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { metadata } = await this.#call<FoundJob>("POST", this.#jobs, undefined, { body: this.#job });
    // After its Job, which is its owner from the first moment: with that the cluster removes it, whatever becomes of us. Pods wait for what they mount.
    const body = secretBody(this.#request, this.#given, metadata.uid);
    await this.#call("POST", `${this.#core}/secrets`, undefined, { body });
  }

  async ended(output: RelayedOutput, signal: AbortSignal): Promise<RemoteEnd> {
    const logs = new Map<string, Promise<void>>();
    const failedPulls = new Map<string, string>();
    for (;;) {
      // The Job before its pods: all pods of a Job that has ended are there.
      const job = await this.#look<FoundJob>(`${this.#jobs}/${this.#name}`, {}, signal);
      if (job === undefined) throw new PlatformError("unavailable", "its Job was deleted before it had ended");
      const query = { labelSelector: `job-name=${this.#name}` };
      const pods = (await this.#look<{ items: Pod[] }>(`${this.#core}/pods`, query, signal))?.items ?? [];
      for (const pod of pods) {
        for (const [image, message] of failedPullsOf(pod)) failedPulls.set(image, message);
        for (const container of begunIn(pod)) {
          const key = `${pod.metadata.name}/${container}`;
          if (!logs.has(key)) logs.set(key, this.#follow(pod.metadata.name, container, output, signal));
        }
      }
      const hindrance = pods.map((pod) => hindranceOf(pod, failedPulls)).find((found) => found !== undefined);
      if (hindrance !== undefined) return { kind: "unstartable", message: hindrance };
      const over = job.status?.conditions?.find(
        ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
      );
      if (over !== undefined) {
        await Promise.all(logs.values());
        this.#isOver = true;
        if (over.type === "Complete") return { kind: "exited", exitCode: 0 };
        await output.say(`[the Job failed: ${over.reason ?? ""} ${over.message ?? ""}]`);
        // Ours is the Job's (job-body.ts); a pod's own is another reason.
        if (over.reason === "DeadlineExceeded") return { kind: "timeout" };
        return endOf(pods) ?? { kind: "exited", exitCode: 1 };
      }
      await sleep(this.#parts.clock, lookMs, signal);
      signal.throwIfAborted();
    }
  }

  /** Its pods are asked to end, and have the time that they say themselves. */
  async ask(signal: AbortSignal): Promise<void> {
    await this.#deleteOwn(`${this.#jobs}/${this.#name}`, signal);
  }

  async kill(signal: AbortSignal): Promise<void> {
    await this.ask(signal);
    const { attempt } = this.#request;
    const labelSelector = `job-name=${this.#name},${jobLabels.attempt}=${attempt}`;
    await this.#call("DELETE", `${this.#core}/pods`, signal, { query: { labelSelector, gracePeriodSeconds: "0" } });
  }

  async clear(signal: AbortSignal): Promise<RemoteWords> {
    try {
      if (!this.#isOver && this.#cluster !== undefined) {
        await this.kill(signal);
        await this.#deleteOwn(`${this.#core}/secrets/${this.#name}`, signal);
      }
    } catch (error) {
      this.#parts.log.warn(
        { job: this.#name, error: String(error) },
        "a Job could not be removed; the cluster ends it at its deadline",
      );
    }
    return {};
  }

  get #name(): string {
    return jobNameOf(this.#request);
  }

  /** What an earlier attempt left, whose executor is gone, ends before this one begins (rule D8). */
  async #removeFormer(signal: AbortSignal): Promise<void> {
    const path = `${this.#jobs}/${this.#name}`;
    const former = await this.#cluster?.find<FoundJob>({ method: "GET", path, signal });
    if (Number(former?.metadata.labels?.[jobLabels.attempt] ?? 0) > this.#request.attempt) {
      this.#cluster = undefined;
      throw new PlatformError("lease-lost", "a later attempt of this execution has its Job by now");
    }
    if (former !== undefined)
      await this.#cluster?.find({ method: "DELETE", path, body: { propagationPolicy: "Foreground" }, signal });
    // In the foreground its pods are gone before it is.
    while ((await this.#cluster?.find({ method: "GET", path, signal })) !== undefined) {
      await sleep(this.#parts.clock, lookMs, signal);
      signal.throwIfAborted();
    }
    await this.#cluster?.find({ method: "DELETE", path: `${this.#core}/secrets/${this.#name}`, signal });
  }

  /** A container's log until it ends. What a broken connection loses stays in the cluster, and the output says so. */
  async #follow(pod: string, container: string, output: RelayedOutput, signal: AbortSignal): Promise<void> {
    const path = `${this.#core}/pods/${pod}/log`;
    try {
      const log = await this.#cluster?.bytes({ method: "GET", path, query: { container, follow: "true" }, signal });
      if (log === undefined) return;
      for await (const bytes of log) await output.write("stdout", bytes);
    } catch (error) {
      if (signal.aborted) return;
      await output.say(`[the log of ${pod}/${container} could not be read further: ${messageOf(error)}]`);
    }
  }

  /** A cluster that does not answer for a moment has not lost the Job: its lease bounds how long this goes on. */
  async #look<Body>(path: string, query: Record<string, string>, signal: AbortSignal): Promise<Body | undefined> {
    for (;;) {
      try {
        return await this.#cluster?.find<Body>({ method: "GET", path, query, signal });
      } catch (error) {
        if (signal.aborted || !isPlatformError(error) || !error.retryable) throw error;
        await sleep(this.#parts.clock, lookMs, signal);
      }
    }
  }

  /** What has our name may be a later attempt's by now. */
  async #deleteOwn(path: string, signal: AbortSignal): Promise<void> {
    const found = await this.#cluster?.find<FoundJob>({ method: "GET", path, signal });
    const { uid, labels } = found?.metadata ?? {};
    if (uid === undefined || labels?.[jobLabels.attempt] !== String(this.#request.attempt)) return;
    const body = { propagationPolicy: "Background", preconditions: { uid } };
    await this.#cluster?.find({ method: "DELETE", path, body, signal });
  }

  #call<Body>(method: ApiCall["method"], path: string, signal: AbortSignal | undefined, rest: Partial<ApiCall> = {}) {
    return (this.#cluster as Cluster).json<Body>({ method, path, signal, ...rest });
  }
}
