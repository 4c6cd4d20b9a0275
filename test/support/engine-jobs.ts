import { parseAllDocuments } from "yaml";
import type { ServerPlace } from "../../engines/engine.ts";
import { kubeconfigFor } from "../../engines/kubernetes.ts";
import { ClusterNamespace } from "./cluster.ts";
import { ClusterNode } from "./cluster-node.ts";
import { eventually } from "./eventually.ts";
import { chart, helm } from "./helm.ts";
import type { ClusterObject, JobCluster } from "./job-cluster.ts";

/** A namespace of a real cluster, for an account with the rights that the chart gives executors. */
export class EngineJobs implements JobCluster {
  readonly kubeconfig: string;
  readonly #namespace: ClusterNamespace;
  readonly #node: ClusterNode;

  private constructor(namespace: ClusterNamespace, node: ClusterNode, kubeconfig: string) {
    this.#namespace = namespace;
    this.#node = node;
    this.kubeconfig = kubeconfig;
  }

  static async start(cluster: ServerPlace): Promise<EngineJobs> {
    const namespace = await ClusterNamespace.make(cluster);
    const place = ["--namespace", namespace.name, "--show-only", "templates/accounts.yaml"];
    const values = ["--set", "executor.jobs.enabled=true,existingSecret=fx-secrets"];
    const rendered = await helm(cluster, "template", "fx", chart, ...place, ...values);
    for (const document of parseAllDocuments(rendered)) await namespace.create(document.toJS());
    const node = await ClusterNode.start(cluster, namespace);
    const token = await namespace.tokenOf("fx-executor");
    return new EngineJobs(namespace, node, kubeconfigFor(cluster, token, namespace.name));
  }

  job(name: string): Promise<ClusterObject | undefined> {
    return this.#namespace.find("Job", name);
  }

  secret(name: string): Promise<ClusterObject | undefined> {
    return this.#namespace.find("Secret", name);
  }

  pods(job: string): Promise<ClusterObject[]> {
    return this.#namespace.list("Pod", `job-name=${job}`);
  }

  async report(job: string, state: object): Promise<void> {
    await this.#node.report(await this.#podOf(job), "running" in state ? "Running" : "Pending", state);
  }

  async write(job: string, text: string): Promise<void> {
    this.#node.write(await this.#podOf(job), text);
  }

  async finish(job: string, exitCode: number, reason?: string): Promise<void> {
    const pod = await this.#podOf(job);
    await this.#node.report(pod, exitCode === 0 ? "Succeeded" : "Failed", { terminated: { exitCode, reason } });
  }

  async close(): Promise<void> {
    await this.#namespace.remove();
    await this.#node.close();
  }

  /** Waits for the controller of Jobs to make it. */
  async #podOf(job: string): Promise<string> {
    const pod = await eventually(async () => (await this.pods(job))[0]);
    return pod.metadata.name;
  }
}
