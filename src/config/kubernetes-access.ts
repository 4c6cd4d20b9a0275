import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "./settings-schema.ts";

/** Where it is said how to reach the cluster. */
export type KubernetesSource = { kubeconfig: string } | { host: string; port: string; accountDirectory: string };

const accountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";

/** What a program that a kubeconfig has for credentials is started with: all that `kubectl` would give it, but nothing of ours. */
export function pluginEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith("FX_"),
    ),
  );
}

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
