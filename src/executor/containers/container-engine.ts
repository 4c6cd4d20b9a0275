import type { Duplex } from "node:stream";
import { isPlatformError, PlatformError } from "../../foundation/errors.ts";
import { type ApiCall, ApiClient } from "../api-client.ts";
import { readEngineAddress } from "./engine-address.ts";

/** What the engine knows of a container that we made. */
export interface KnownContainer {
  id: string;
  labels: Record<string, string>;
}

export interface KnownImage {
  /** NAME=value. */
  env: string[];
  stopSignal: string | undefined;
}

/** What all its processes together use. */
export interface ContainerUsage {
  /** Since its start. */
  cpuSeconds: number;
  /** Of now, with their threads. */
  processes: number;
}

/** In the words of Docker and of Podman. */
const nameIsTaken = /\bname\b.* in use\b/;

/** A Docker Engine, or another that serves its API, as Podman does. */
export class ContainerEngine {
  /** For people. */
  readonly name: string;
  readonly address: string;
  readonly #client: ApiClient;
  readonly #version: string;

  private constructor(client: ApiClient, address: string, version: string, name: string) {
    this.#client = client;
    this.address = address;
    this.#version = version;
    this.name = name;
  }

  /** Throws `unavailable` when none answers there, `invalid-input` where the text is no address. */
  static async connect(address: string, signal?: AbortSignal): Promise<ContainerEngine> {
    // Its 500s are what it thinks of a call, and would be again.
    const client = new ApiClient({
      url: readEngineAddress(address),
      name: "the container engine",
      isBusy: () => false,
    });
    const found = await client.json<{ ApiVersion: string; Version: string; Components?: { Name: string }[] }>({
      method: "GET",
      path: "/version",
      signal,
    });
    // Engines drop old versions of the API and never change what is used here: each is spoken to in its own.
    const name = `${found.Components?.[0]?.Name ?? "engine"} ${found.Version}`;
    return new ContainerEngine(client, address, `v${found.ApiVersion}`, name);
  }

  async image(reference: string, signal?: AbortSignal): Promise<KnownImage | undefined> {
    const path = `/images/${reference.split("/").map(encodeURIComponent).join("/")}/json`;
    const found = await this.#client.find<{ Config?: { Env?: string[] | null; StopSignal?: string } }>({
      method: "GET",
      path: `/${this.#version}${path}`,
      signal,
    });
    return found && { env: found.Config?.Env ?? [], stopSignal: found.Config?.StopSignal || undefined };
  }

  /** Fetches an image. Throws the registry's own words. */
  async pull(reference: string, signal?: AbortSignal): Promise<void> {
    const query = { fromImage: withTag(reference) };
    const path = `/${this.#version}/images/create`;
    // The engine says 200 before it has tried, and tells of its failure in a line.
    for await (const line of this.#client.lines({ method: "POST", path, query, signal })) {
      if (typeof line.error !== "string") continue;
      throw new PlatformError("unavailable", line.error, { retryable: false });
    }
  }

  /** Throws `conflict` where the name is taken. */
  async create(name: string, body: unknown, signal?: AbortSignal): Promise<string> {
    const call = this.#call<{ Id: string }>("POST", "/containers/create", { query: { name }, body, signal });
    const { Id } = await call.catch((error: unknown) => {
      // Podman says 500 to a name that is taken.
      if (!isPlatformError(error) || error.retryable || !nameIsTaken.test(error.message)) throw error;
      throw new PlatformError("conflict", error.message, { cause: error });
    });
    return Id;
  }

  /** Everything that it will write, from before its start on. */
  async attach(id: string): Promise<Duplex> {
    const path = `/${this.#version}/containers/${id}/attach`;
    const query = { stream: "1", stdout: "1", stderr: "1" };
    return this.#client.upgrade({ method: "POST", path, query }, "tcp");
  }

  async start(id: string, signal?: AbortSignal): Promise<void> {
    await this.#call("POST", `/containers/${id}/start`, { signal });
  }

  /** Resolves with its exit code when it has ended. */
  async wait(id: string, signal?: AbortSignal): Promise<number> {
    // Podman looks every 250 ms unless told; Docker is told by the kernel and passes this over.
    const query = { interval: "20ms" };
    return (await this.#call<{ StatusCode: number }>("POST", `/containers/${id}/wait`, { query, signal })).StatusCode;
  }

  /** Of one that runs. */
  async usage(id: string, signal?: AbortSignal): Promise<ContainerUsage> {
    const found = await this.#call<{
      cpu_stats?: { cpu_usage?: { total_usage?: number } };
      pids_stats?: { current?: number };
    }>("GET", `/containers/${id}/stats`, {
      // Docker would look twice, a second apart, for what it tells of the second.
      query: { stream: "false", "one-shot": "true" },
      signal,
    });
    const nanoseconds = found?.cpu_stats?.cpu_usage?.total_usage ?? 0;
    return { cpuSeconds: nanoseconds / 1e9, processes: found?.pids_stats?.current ?? 0 };
  }

  /** Whether it was ended because it wanted more memory than it may have. */
  async ranOutOfMemory(id: string, signal?: AbortSignal): Promise<boolean> {
    const { State } = await this.#call<{ State?: { OOMKilled?: boolean } }>("GET", `/containers/${id}/json`, {
      signal,
    });
    return State?.OOMKilled === true;
  }

  /** One that has ended, or is gone, is no error. */
  async kill(id: string, killSignal: string, signal?: AbortSignal): Promise<void> {
    await this.#unlessGone(this.#call("POST", `/containers/${id}/kill`, { query: { signal: killSignal }, signal }));
  }

  /** Kills it if it runs, and removes it with the volumes that were made for it. One that is gone is no error. */
  async remove(id: string, signal?: AbortSignal): Promise<void> {
    await this.#unlessGone(this.#call("DELETE", `/containers/${id}`, { query: { force: "true", v: "true" }, signal }));
  }

  /** Those with all of these labels, ended ones too. */
  async list(labels: Record<string, string>, signal?: AbortSignal): Promise<KnownContainer[]> {
    const label = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    const query = { all: "true", filters: JSON.stringify({ label }) };
    const found = await this.#call<{ Id: string; Labels?: Record<string, string> | null }[]>(
      "GET",
      "/containers/json",
      {
        query,
        signal,
      },
    );
    return found.map(({ Id, Labels }) => ({ id: Id, labels: Labels ?? {} }));
  }

  #call<Body>(method: ApiCall["method"], path: string, rest: Partial<ApiCall>): Promise<Body> {
    return this.#client.json<Body>({ method, path: `/${this.#version}${path}`, ...rest });
  }

  async #unlessGone(call: Promise<unknown>): Promise<void> {
    try {
      await call;
    } catch (error) {
      if (!isPlatformError(error, "not-found") && !isPlatformError(error, "conflict")) throw error;
    }
  }
}

/** Without a tag an engine would fetch every one there is. */
function withTag(reference: string): string {
  const last = reference.slice(reference.lastIndexOf("/") + 1);
  return last.includes(":") || last.includes("@") ? reference : `${reference}:latest`;
}
