import { dirname, resolve } from "node:path";
import { z } from "zod";
import { isPlatformError, messageOf, PlatformError } from "../../foundation/errors.ts";
import { credentialRedactor } from "../environments/redact-credentials.ts";
import { runTool, type ToolLimits } from "../runtimes/run-tool.ts";

/** What a credential plugin speaks, as `kubectl` does (Kubernetes, "client-go credential plugins"). */
const versions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"] as const;

/** The key `exec` of a kubeconfig's user. */
export const execSchema = z
  .object({
    apiVersion: z.enum(versions, `its plugin must speak ${versions.join(" or ")}`),
    command: z.string().min(1),
    args: z.array(z.string()).nullish(),
    env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
    installHint: z.string().optional(),
    provideClusterInfo: z.boolean().optional(),
    interactiveMode: z.enum(["Never", "IfAvailable", "Always"]).optional(),
  })
  .loose();

const answerSchema = z.object({
  apiVersion: z.string(),
  kind: z.literal("ExecCredential"),
  status: z.object({
    expirationTimestamp: z.iso.datetime({ offset: true }).optional(),
    token: z.string().min(1).optional(),
    clientCertificateData: z.string().min(1).optional(),
    clientKeyData: z.string().min(1).optional(),
  }),
});

/** A program that gives credentials, and what it is told. */
export interface CredentialPlugin {
  /** Of the kubeconfig, for people; a command with a slash lies beside it. */
  kubeconfig: string;
  exec: z.infer<typeof execSchema>;
  /** What it may ask to know (`provideClusterInfo`), in the words of its API. */
  cluster: object;
}

/** What a plugin gave. */
export interface PluginCredential {
  token: string | undefined;
  certificate: string | undefined;
  key: string | undefined;
  /** Milliseconds since the epoch; undefined: it did not say. */
  expiresAt: number | undefined;
}

/**
 * Asks a plugin once. Throws `invalid-input` where it is not there or gives nothing usable, a retryable `unavailable` where it
 * fails, with what it wrote to stderr, or does not end in time; it is killed then, and when `signal` aborts. What it wrote to stdout is in no message: that is the credential.
 */
export async function askPlugin(
  plugin: CredentialPlugin,
  environment: Readonly<Record<string, string>>,
  limits: ToolLimits = {},
): Promise<PluginCredential> {
  const { apiVersion, command, args, env, installHint, provideClusterInfo, interactiveMode } = plugin.exec;
  const wrong = (why: string) =>
    new PlatformError("invalid-input", `the program '${command}' of the kubeconfig '${plugin.kubeconfig}' ${why}`);
  if (interactiveMode === "Always") throw wrong("wants to talk to a person (interactiveMode), and none is there");
  const own = (env ?? []).map(({ name, value }) => [name, value] as const);
  const spec = { interactive: false, ...(provideClusterInfo ? { cluster: plugin.cluster } : {}) };
  const told = JSON.stringify({ apiVersion, kind: "ExecCredential", spec });
  const program = command.includes("/") ? resolve(dirname(plugin.kubeconfig), command) : command;
  let answer: string;
  try {
    const variables = { ...environment, ...Object.fromEntries(own), KUBERNETES_EXEC_INFO: told };
    answer = await runTool(program, args ?? [], "", variables, limits);
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as { code?: unknown };
    if (code === "ENOENT" || code === "EACCES")
      throw wrong(`cannot be started (${code})${installHint ? `: ${installHint.trim()}` : ""}`);
    if (!isPlatformError(error)) throw error;
    const redact = credentialRedactor(own.map(([, value]) => value));
    throw new PlatformError("unavailable", `no credentials for the cluster: ${redact(messageOf(error))}`);
  }
  const read = answerSchema.safeParse(parsed(answer));
  if (!read.success) throw wrong("did not print an ExecCredential with a status");
  const { status } = read.data;
  if (read.data.apiVersion !== apiVersion) throw wrong(`speaks ${read.data.apiVersion}, not ${apiVersion}`);
  const { token, clientCertificateData: certificate, clientKeyData: key, expirationTimestamp } = status;
  if ((certificate === undefined) !== (key === undefined)) throw wrong("gave a certificate or a key without the other");
  if (token === undefined && certificate === undefined) throw wrong("gave neither a token nor a certificate");
  const expiresAt = expirationTimestamp === undefined ? undefined : Date.parse(expirationTimestamp);
  return { token, certificate, key, expiresAt };
}

/** The parser's own words would quote what it reads. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
