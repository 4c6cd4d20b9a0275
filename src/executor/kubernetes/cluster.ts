import { isPlatformError } from "../../foundation/errors.ts";
import { type ApiCall, ApiClient } from "../api-client.ts";
import { type ClusterAccess, type ClusterSource, readClusterAccess } from "./cluster-access.ts";
import type { PluginCredentials } from "./plugin-credentials.ts";

/**
 * The API of a cluster, for as long as a Job may run: tokens live shorter. One that has expired, or that the cluster refuses, is
 * had anew, once a call.
 */
export class Cluster {
  readonly namespace: string;
  readonly #source: ClusterSource;
  readonly #plugins: PluginCredentials;
  #access: ClusterAccess;

  private constructor(source: ClusterSource, plugins: PluginCredentials, access: ClusterAccess) {
    this.#source = source;
    this.#plugins = plugins;
    this.#access = access;
    this.namespace = access.namespace;
  }

  static async open(source: ClusterSource, plugins: PluginCredentials, signal?: AbortSignal): Promise<Cluster> {
    return new Cluster(source, plugins, await readClusterAccess(source, plugins, signal));
  }

  json<Body>(call: ApiCall): Promise<Body> {
    return this.#call(call, (client) => client.json<Body>(call));
  }

  find<Body>(call: ApiCall): Promise<Body | undefined> {
    return this.#call(call, (client) => client.find<Body>(call));
  }

  bytes(call: ApiCall): Promise<AsyncIterable<Buffer>> {
    return this.#call(call, (client) => client.bytes(call));
  }

  async #call<Answer>({ signal }: ApiCall, ask: (client: ApiClient) => Promise<Answer>): Promise<Answer> {
    const { credential } = this.#access;
    if (credential !== undefined && this.#plugins.isOver(credential)) await this.#renew(signal);
    const used = this.#access;
    try {
      return await ask(clientOf(used));
    } catch (error) {
      if (!isPlatformError(error, "unauthenticated")) throw error;
      // Another call may have renewed it meanwhile.
      if (this.#access === used) {
        if (used.credential !== undefined) this.#plugins.drop(used.credential);
        await this.#renew(signal);
      }
      return ask(clientOf(this.#access));
    }
  }

  async #renew(signal: AbortSignal | undefined): Promise<void> {
    this.#access = await readClusterAccess(this.#source, this.#plugins, signal);
  }
}

function clientOf({ url, token, tls }: ClusterAccess): ApiClient {
  return new ApiClient({
    url,
    name: "the cluster",
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    tls,
    tlsNames: { authority: "certificate-authority", certificate: "client-certificate" },
    isBusy: (status) => status >= 500 || status === 429,
  });
}
