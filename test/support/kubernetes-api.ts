import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ClusterObject, JobCluster } from "./job-cluster.ts";

/**
 * Answers the calls that Jobs need as the Kubernetes API documents them: objects are kept, names are given once,
 * deleting a Job in the background takes its pods along. It runs nothing: a test plays the rest of the cluster. What it answers
 * is held to a real API server by the same suite (jobs.contract.ts).
 */
export class KubernetesApi implements JobCluster {
  readonly #jobs = new Map<string, ClusterObject>();
  readonly #secrets = new Map<string, ClusterObject>();
  readonly #pods = new Map<string, ClusterObject>();
  /** Open logs and what was written so far, by the pod's name. */
  readonly #logs = new Map<string, { text: string; over: boolean; readers: ServerResponse[] }>();
  readonly requests: string[] = [];
  /** What it takes. */
  token = "a-token";
  /** Who asks, in the kubeconfig. */
  user = "{token: a-token}";
  /** Answers with this status instead, as an overloaded server does. */
  failing: number | undefined;
  #uids = 0;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  static async start(): Promise<KubernetesApi> {
    const api = new KubernetesApi();
    api.#server.listen(0, "127.0.0.1");
    await once(api.#server, "listening");
    return api;
  }

  /** A kubeconfig for it. */
  get kubeconfig(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: here, user: me, namespace: work}}]
clusters: [{name: here, cluster: {server: "http://127.0.0.1:${port}"}}]
users: [{name: me, user: ${this.user}}]
`;
  }

  async job(name: string): Promise<ClusterObject | undefined> {
    return this.#jobs.get(name);
  }

  async secret(name: string): Promise<ClusterObject | undefined> {
    return this.#secrets.get(name);
  }

  async pods(job: string): Promise<ClusterObject[]> {
    return [...this.#pods.values()].filter(({ metadata }) => metadata.labels?.["job-name"] === job);
  }

  async report(job: string, state: object): Promise<void> {
    const name = `${job}-pod`;
    this.#logs.set(name, this.#logs.get(name) ?? { text: "", over: false, readers: [] });
    const status = { containerStatuses: [{ name: "main", state }] };
    const labels = { ...this.#jobs.get(job)?.metadata.labels, "job-name": job };
    const { spec } = (this.#jobs.get(job)?.spec as { template: { spec: object } } | undefined)?.template ?? {};
    this.#pods.set(name, { metadata: { name, uid: name, labels }, spec, status });
    if ("terminated" in state) this.#endLog(name);
  }

  async write(job: string, text: string): Promise<void> {
    const log = this.#logs.get(`${job}-pod`);
    if (log === undefined) throw new Error(`the pod of ${job} has not begun`);
    log.text += text;
    for (const reader of log.readers) reader.write(text);
  }

  async finish(job: string, exitCode: number, reason?: string): Promise<void> {
    await this.report(job, { terminated: { exitCode, reason } });
    this.#end(job, exitCode === 0 ? { type: "Complete" } : { type: "Failed", reason: "BackoffLimitExceeded" });
  }

  /** The node ends the pod as a whole, and the Job fails with it. */
  async endPod(job: string, status: { reason: string; message: string }): Promise<void> {
    await this.report(job, { terminated: { exitCode: 137, reason: "Error" } });
    const pod = this.#pods.get(`${job}-pod`);
    if (pod) pod.status = { ...(pod.status as object), phase: "Failed", ...status };
    this.#end(job, { type: "Failed", reason: "BackoffLimitExceeded" });
  }

  /** The controller of Jobs ends it at its deadline. */
  async endAtDeadline(job: string): Promise<void> {
    const message = "Job was active longer than specified deadline";
    this.#end(job, { type: "Failed", reason: "DeadlineExceeded", message });
  }

  #end(job: string, condition: object): void {
    const stored = this.#jobs.get(job);
    if (stored) stored.status = { conditions: [{ ...condition, status: "True" }] };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #endLog(name: string): void {
    const log = this.#logs.get(name);
    if (log === undefined) return;
    log.over = true;
    for (const reader of log.readers) reader.end();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    let text = "";
    for await (const piece of request) text += piece;
    this.requests.push(`${request.method} ${url.pathname}`);
    const say = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const refuse = (status: number, message: string) =>
      say(status, { kind: "Status", status: "Failure", message, code: status });
    if (this.failing !== undefined) return refuse(this.failing, "the server is overloaded");
    if (request.headers.authorization !== `Bearer ${this.token}`) return refuse(401, "Unauthorized");
    const [, kind = "", name, part] =
      /^\/(?:api\/v1|apis\/batch\/v1)\/namespaces\/work\/(\w+)(?:\/([^/]+))?(?:\/(\w+))?$/.exec(url.pathname) ?? [];
    const store = { jobs: this.#jobs, secrets: this.#secrets, pods: this.#pods }[kind];
    if (store === undefined) return refuse(404, "the server could not find the requested resource");
    const body = text === "" ? undefined : JSON.parse(text);
    if (part === "log") return this.#log(name as string, response);
    if (request.method === "POST") {
      if (store.has(body.metadata.name)) return refuse(409, `${kind} "${body.metadata.name}" already exists`);
      this.#uids += 1;
      const { stringData, ...rest } = body;
      const made = { ...rest, metadata: { ...body.metadata, uid: `uid-${this.#uids}` } };
      // Texts are taken, and kept as bytes.
      if (stringData) made.data = mapValues(stringData, (text) => Buffer.from(text).toString("base64"));
      store.set(body.metadata.name, made);
      return say(201, made);
    }
    if (name === undefined) {
      const wanted = (url.searchParams.get("labelSelector") ?? "").split(",").map((pair) => pair.split("="));
      const found = [...store.values()].filter(({ metadata }) =>
        wanted.every(([key = "", value]) => metadata.labels?.[key] === value),
      );
      if (request.method === "DELETE") for (const { metadata } of found) this.#remove(metadata.name);
      return say(200, { items: found });
    }
    const stored = store.get(name);
    if (stored === undefined) return refuse(404, `${kind} "${name}" not found`);
    const expected = body?.preconditions?.uid;
    if (expected !== undefined && expected !== stored.metadata.uid)
      return refuse(409, "the UID in the precondition differs");
    if (request.method === "DELETE") {
      store.delete(name);
      if (kind === "jobs") for (const pod of this.#pods.keys()) if (pod === `${name}-pod`) this.#remove(pod);
    }
    return say(200, stored);
  }

  #remove(pod: string): void {
    this.#endLog(pod);
    this.#pods.delete(pod);
  }

  #log(pod: string, response: ServerResponse): void {
    const log = this.#logs.get(pod);
    response.writeHead(200, { "content-type": "text/plain" });
    if (log === undefined || log.over) return void response.end(log?.text);
    response.write(log.text);
    log.readers.push(response);
  }
}

function mapValues(from: Record<string, string>, change: (text: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(from).map(([key, text]) => [key, change(text)]));
}
