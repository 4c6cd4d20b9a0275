import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { messageOf, PlatformError } from "../../foundation/errors.ts";
import type { TlsMaterial } from "../../foundation/tls-files.ts";
import { ApiClient } from "../api-client.ts";

/** Where the description of the cluster lies: a kubeconfig file, or the account of the pod that this runs in. */
export type ClusterSource = { kubeconfig: string } | { host: string; port: string; accountDirectory: string };

/** All that a call of the cluster's API needs. */
export interface ClusterAccess {
  url: string;
  namespace: string;
  token: string | undefined;
  tls: TlsMaterial;
}

const named = <Shape extends z.ZodRawShape>(key: string, shape: Shape) =>
  z.array(z.object({ name: z.string(), [key]: z.object(shape).loose() }).loose()).default([]);

const text = z.string().optional();
const kubeconfigSchema = z
  .object({
    "current-context": z.string(),
    contexts: named("context", { cluster: z.string(), user: text, namespace: text }),
    clusters: named("cluster", {
      server: z.url(),
      "certificate-authority": text,
      "certificate-authority-data": text,
      "insecure-skip-tls-verify": z.boolean().optional(),
    }),
    users: named("user", {
      token: text,
      tokenFile: text,
      "client-certificate": text,
      "client-certificate-data": text,
      "client-key": text,
      "client-key-data": text,
    }),
  })
  .loose();

/** Read anew for each step: accounts get a new token every hour. Throws `invalid-input`, naming the file. */
export async function readClusterAccess(source: ClusterSource): Promise<ClusterAccess> {
  if ("kubeconfig" in source) return readKubeconfig(source.kubeconfig);
  const read = (name: string) => readFile(resolve(source.accountDirectory, name), "utf8");
  const [token, ca, namespace] = await Promise.all([read("token"), read("ca.crt"), read("namespace")]);
  const host = source.host.includes(":") ? `[${source.host}]` : source.host;
  return {
    url: `https://${host}:${source.port}`,
    namespace: namespace.trim(),
    token: token.trim(),
    tls: { ca },
  };
}

/** Of a cluster's API. */
export function openCluster({ url, token, tls }: ClusterAccess): ApiClient {
  return new ApiClient({
    url,
    name: "the cluster",
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    tls,
    tlsNames: { authority: "certificate-authority", certificate: "client-certificate" },
    isBusy: (status) => status >= 500 || status === 429,
  });
}

async function readKubeconfig(path: string): Promise<ClusterAccess> {
  try {
    const config = kubeconfigSchema.parse(parse(await readFile(path, "utf8")));
    const context = pick(config.contexts, "context", config["current-context"]);
    const cluster = pick(config.clusters, "cluster", String(context.cluster));
    const user = context.user === undefined ? {} : pick(config.users, "user", String(context.user));
    if (user.exec !== undefined || user["auth-provider"] !== undefined) {
      throw new Error(
        "it gets its token from a program, which is not supported: give it a token or a client certificate",
      );
    }
    const files = dirname(path);
    const file = async (from: Record<string, unknown>, key: string) => {
      const data = from[`${key}-data`];
      if (typeof data === "string") return Buffer.from(data, "base64").toString();
      const name = from[key];
      return typeof name === "string" ? readFile(resolve(files, name), "utf8") : undefined;
    };
    const ca = await file(cluster, "certificate-authority");
    const cert = await file(user, "client-certificate");
    const key = await file(user, "client-key");
    const token = typeof user.tokenFile === "string" ? await file(user, "tokenFile") : user.token;
    return {
      url: String(cluster.server),
      namespace: typeof context.namespace === "string" ? context.namespace : "default",
      token: typeof token === "string" ? token.trim() : undefined,
      tls: {
        ca,
        cert,
        key,
        ...(cluster["insecure-skip-tls-verify"] === true ? { rejectUnauthorized: false } : {}),
      },
    };
  } catch (error) {
    throw new PlatformError("invalid-input", `the kubeconfig '${path}' cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function pick(list: readonly Record<string, unknown>[], kind: string, name: string): Record<string, unknown> {
  const found = list.find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`it has no ${kind} '${name}'`);
  return found[kind] as Record<string, unknown>;
}
