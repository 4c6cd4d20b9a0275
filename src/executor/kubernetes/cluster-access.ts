import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { isPlatformError, messageOf, PlatformError } from "../../foundation/errors.ts";
import type { TlsMaterial } from "../../foundation/tls-files.ts";
import { execSchema, type PluginCredential } from "./credential-plugin.ts";
import type { PluginCredentials } from "./plugin-credentials.ts";

/** Where the description of the cluster lies: a kubeconfig file, or the account of the pod that this runs in. */
export type ClusterSource = { kubeconfig: string } | { host: string; port: string; accountDirectory: string };

/** All that a call of the cluster's API needs. */
export interface ClusterAccess {
  url: string;
  namespace: string;
  token: string | undefined;
  tls: TlsMaterial;
  /** What token and certificate came from, where a program gave them. */
  credential: PluginCredential | undefined;
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

/**
 * Read anew for each step, and when the cluster refuses a token: accounts get a new one every hour. Throws `invalid-input`, naming
 * the file, and what a program that gives credentials fails with; that is waited for until `signal` aborts.
 */
export async function readClusterAccess(
  source: ClusterSource,
  plugins: PluginCredentials,
  signal?: AbortSignal,
): Promise<ClusterAccess> {
  if ("kubeconfig" in source) return readKubeconfig(source.kubeconfig, plugins, signal);
  const read = (name: string) => readFile(resolve(source.accountDirectory, name), "utf8");
  const [token, ca, namespace] = await Promise.all([read("token"), read("ca.crt"), read("namespace")]);
  const host = source.host.includes(":") ? `[${source.host}]` : source.host;
  return {
    url: `https://${host}:${source.port}`,
    namespace: namespace.trim(),
    token: token.trim(),
    tls: { ca },
    credential: undefined,
  };
}

async function readKubeconfig(
  path: string,
  plugins: PluginCredentials,
  signal: AbortSignal | undefined,
): Promise<ClusterAccess> {
  try {
    const config = kubeconfigSchema.parse(parse(await readFile(path, "utf8")));
    const context = pick(config.contexts, "context", config["current-context"]);
    const cluster = pick(config.clusters, "cluster", String(context.cluster));
    const user = context.user === undefined ? {} : pick(config.users, "user", String(context.user));
    if (user["auth-provider"] !== undefined) {
      throw new Error(
        "it gets its token from an auth-provider, which Kubernetes has given up: its successor is a program (exec)",
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
    const insecure = cluster["insecure-skip-tls-verify"] === true;
    const credential =
      user.exec === undefined || user.exec === null
        ? undefined
        : await plugins.of(
            {
              kubeconfig: path,
              exec: readExec(user.exec),
              cluster: {
                server: cluster.server,
                ...(ca === undefined ? {} : { "certificate-authority-data": Buffer.from(ca).toString("base64") }),
                ...(insecure ? { "insecure-skip-tls-verify": true } : {}),
                ...configForPlugin(cluster),
              },
            },
            signal,
          );
    const cert = credential?.certificate ?? (await file(user, "client-certificate"));
    const key = credential?.key ?? (await file(user, "client-key"));
    const own = typeof user.tokenFile === "string" ? await file(user, "tokenFile") : user.token;
    const token = credential?.token ?? own;
    return {
      url: String(cluster.server),
      namespace: typeof context.namespace === "string" ? context.namespace : "default",
      token: typeof token === "string" ? token.trim() : undefined,
      tls: {
        ca,
        cert,
        key,
        ...(insecure ? { rejectUnauthorized: false } : {}),
      },
      credential,
    };
  } catch (error) {
    if (isPlatformError(error)) throw error;
    throw new PlatformError("invalid-input", `the kubeconfig '${path}' cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function readExec(exec: unknown) {
  const read = execSchema.safeParse(exec);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new Error(`exec.${issue?.path.join(".")}: ${issue?.message}`);
}

/** What the cluster's entry holds for the program: the extension that is named after the API. */
function configForPlugin({ extensions }: Record<string, unknown>): { config?: unknown } {
  const entries = Array.isArray(extensions) ? (extensions as { name?: unknown; extension?: unknown }[]) : [];
  const own = entries.find((entry) => entry?.name === "client.authentication.k8s.io/exec");
  return own === undefined ? {} : { config: own.extension };
}

function pick(list: readonly Record<string, unknown>[], kind: string, name: string): Record<string, unknown> {
  const found = list.find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`it has no ${kind} '${name}'`);
  return found[kind] as Record<string, unknown>;
}
