import path from "node:path";
import { tool } from "../../engines/cache.ts";
import type { ServerPlace } from "../../engines/engine.ts";
import { kubeconfigOf } from "../../engines/kubernetes.ts";

export const chart = new URL("../../deploy/helm/streamzero-fx", import.meta.url).pathname;

/** Runs Helm as the administrator of a cluster, and answers what it printed. Rejects with what it says where it fails. */
export function helm(cluster: ServerPlace, ...args: string[]): Promise<string> {
  const places = ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"];
  const home = path.join(cluster.directory, "helm");
  const env = Object.fromEntries(places.map((name) => [name, path.join(home, name.toLowerCase())]));
  return tool(path.join(cluster.programs, "helm"), args, { env: { ...env, KUBECONFIG: kubeconfigOf(cluster) } });
}
