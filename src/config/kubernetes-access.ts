import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "./settings-schema.ts";

/** Where it is said how to reach the cluster. */
export type KubernetesSource = { kubeconfig: string } | { host: string; port: string; accountDirectory: string };

const accountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";

/** What the setting says, else what kubectl would take, else the cluster that this runs in; undefined: none of these. */
export function kubernetesSource({ executor }: Settings): KubernetesSource | undefined {
  const { KUBECONFIG, HOME, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = process.env;
  const told = executor.kubernetes.kubeconfig ?? KUBECONFIG?.split(":").find((path) => path !== "" && existsSync(path));
  if (told !== undefined) return { kubeconfig: told };
  const own = join(HOME ?? "/root", ".kube/config");
  if (existsSync(own)) return { kubeconfig: own };
  if (host !== undefined && existsSync(accountDirectory)) return { host, port, accountDirectory };
  return undefined;
}
