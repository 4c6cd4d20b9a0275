import type { ServerPlace } from "../../engines/engine.ts";
import { kubeconfigOf } from "../../engines/kubernetes.ts";
import type { ApiCall } from "../../src/executor/api-client.ts";
import { Cluster } from "../../src/executor/kubernetes/cluster.ts";
import { PluginCredentials } from "../../src/executor/kubernetes/plugin-credentials.ts";
import { systemClock } from "../../src/foundation/clock.ts";
import type { ClusterObject } from "./job-cluster.ts";

/** Where the API has objects of a kind: the path before the namespace, and the kind's name in paths. */
const places: Record<string, readonly [string, string]> = {
  Secret: ["/api/v1", "secrets"],
  Pod: ["/api/v1", "pods"],
  ConfigMap: ["/api/v1", "configmaps"],
  Service: ["/api/v1", "services"],
  ServiceAccount: ["/api/v1", "serviceaccounts"],
  Job: ["/apis/batch/v1", "jobs"],
  Deployment: ["/apis/apps/v1", "deployments"],
  PodDisruptionBudget: ["/apis/policy/v1", "poddisruptionbudgets"],
  HorizontalPodAutoscaler: ["/apis/autoscaling/v2", "horizontalpodautoscalers"],
  Ingress: ["/apis/networking.k8s.io/v1", "ingresses"],
  NetworkPolicy: ["/apis/networking.k8s.io/v1", "networkpolicies"],
  Role: ["/apis/rbac.authorization.k8s.io/v1", "roles"],
  RoleBinding: ["/apis/rbac.authorization.k8s.io/v1", "rolebindings"],
};

/** A namespace of a real cluster, as its administrator sees it. */
export class ClusterNamespace {
  readonly name: string;
  readonly #client: Cluster;

  private constructor(client: Cluster, name: string) {
    this.#client = client;
    this.name = name;
  }

  /** A new one; `labels` say, for example, which pods it admits. */
  static async make(server: ServerPlace, labels: Record<string, string> = {}): Promise<ClusterNamespace> {
    const client = await Cluster.open({ kubeconfig: kubeconfigOf(server) }, new PluginCredentials({}, systemClock));
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { generateName: "test-", labels } };
    const made = await client.json<ClusterObject>({ method: "POST", path: "/api/v1/namespaces", body });
    return new ClusterNamespace(client, made.metadata.name);
  }

  /** A call of the whole API, about no object of this namespace in particular. */
  call<Body>(call: ApiCall): Promise<Body> {
    return this.#client.json<Body>(call);
  }

  create<Body extends ClusterObject>(body: { kind: string }): Promise<Body> {
    return this.call<Body>({ method: "POST", path: this.pathOf(body.kind), body });
  }

  /** Undefined where there is none. */
  find<Body extends ClusterObject>(kind: string, name: string): Promise<Body | undefined> {
    return this.#client.find<Body>({ method: "GET", path: this.pathOf(kind, name) });
  }

  async list<Body extends ClusterObject>(kind: string, labelSelector = ""): Promise<Body[]> {
    const query = { labelSelector };
    return (await this.call<{ items: Body[] }>({ method: "GET", path: this.pathOf(kind), query })).items;
  }

  /** What a controller or a node says of an object. */
  async setStatus(kind: string, name: string, status: object): Promise<void> {
    await this.call({ method: "PATCH", path: this.pathOf(kind, name, "status"), body: { status } });
  }

  /** Without the time that it may take to end, as its node does; nothing happens where it is gone. */
  async removeNow(kind: string, name: string): Promise<void> {
    const query = { gracePeriodSeconds: "0" };
    await this.#client.find({ method: "DELETE", path: this.pathOf(kind, name), query });
  }

  pathOf(kind: string, ...rest: string[]): string {
    const place = places[kind];
    if (place === undefined) throw new Error(`the test knows no place of a ${kind}`);
    const [group, plural] = place;
    return [group, "namespaces", this.name, plural, ...rest].join("/");
  }

  /** A token of one of its accounts, as pods have. */
  async tokenOf(account: string): Promise<string> {
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 3600 } };
    const path = this.pathOf("ServiceAccount", account, "token");
    return (await this.call<{ status: { token: string } }>({ method: "POST", path, body })).status.token;
  }

  /** With all that is in it, which goes by and by. */
  async remove(): Promise<void> {
    await this.call({ method: "DELETE", path: `/api/v1/namespaces/${this.name}` });
  }
}
