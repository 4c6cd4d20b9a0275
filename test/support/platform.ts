import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { type Platform, startPlatform } from "../../src/platform/start.ts";
import { eventually } from "./eventually.ts";

export const testToken = "test-token-0123456789";

/** A real platform in this process, on a free port, in a directory of its own. */
export class TestPlatform {
  readonly directory: string;
  #platform: Platform;

  private constructor(directory: string, platform: Platform) {
    this.directory = directory;
    this.#platform = platform;
  }

  /** `environment`: settings that have no flag. They are gone at a restart. */
  static async start(
    settings: Record<string, string | number> = {},
    environment: Record<string, string> = {},
  ): Promise<TestPlatform> {
    const directory = await mkdtemp(path.join(tmpdir(), "fx-test-"));
    // As a person's directories are: scripts, which run as other users, may pass through.
    await chmod(directory, 0o711);
    return new TestPlatform(directory, await startIn(directory, settings, environment));
  }

  get url(): string {
    return this.#platform.url;
  }

  /** Ends as a SIGTERM would, and starts again on the same data. */
  async restart(settings: Record<string, string | number> = {}): Promise<void> {
    await this.#platform.close();
    this.#platform = await startIn(this.directory, settings);
  }

  /** Ends, lets something happen to the directory, and starts again on it. */
  async restartAround(
    work: (directory: string) => Promise<void>,
    settings: Record<string, string | number> = {},
  ): Promise<void> {
    await this.#platform.close();
    await work(this.directory);
    this.#platform = await startIn(this.directory, settings);
  }

  async stop(): Promise<void> {
    await this.#platform.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** `Body` is what the test expects of the answer; assertions check it. */
  async request<Body = unknown>(method: string, route: string, options: RequestOptions = {}): Promise<Answer<Body>> {
    const { json, body, headers } = options;
    const response = await fetch(`${this.url}${route}`, {
      method,
      headers: {
        authorization: `Bearer ${testToken}`,
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, body: (isJson && text !== "" ? JSON.parse(text) : text) as Body };
  }

  async deploy(name: string, files: Record<string, string>, project = "default"): Promise<Answer<DeployedJson>> {
    return this.request("POST", `/api/v1/services/${project}/${name}/versions`, {
      body: await packFiles(files),
      headers: { "content-type": "application/gzip" },
    });
  }

  /** Sends events; answers their keys. */
  async send(...events: Record<string, unknown>[]): Promise<string[]> {
    const whole = events.map((event) => ({ specversion: "1.0", source: "/test", ...event }));
    const { status, body } = await this.request<{ accepted: { key: string }[] }>("POST", "/api/v1/events", {
      body: JSON.stringify(whole),
      headers: { "content-type": "application/cloudevents-batch+json" },
    });
    if (status !== 202) throw new Error(`events were answered with ${status}: ${JSON.stringify(body)}`);
    return body.accepted.map(({ key }) => key);
  }

  async executions(query = ""): Promise<ExecutionJson[]> {
    const { body } = await this.request<{ items: ExecutionJson[] }>("GET", `/api/v1/executions?limit=1000${query}`);
    return body.items;
  }

  /** Waits until there are at least `count` executions and all of them have ended. */
  async settled(count: number, query = ""): Promise<ExecutionJson[]> {
    return eventually(async () => {
      const found = await this.executions(query);
      const open = found.filter(({ status }) => status === "pending" || status === "in_progress");
      if (found.length < count || open.length > 0)
        throw new Error(`${found.length} executions, ${open.length} not ended`);
      return found;
    });
  }

  async execution(id: string): Promise<ExecutionJson> {
    return (await this.request<ExecutionJson>("GET", `/api/v1/executions/${id}`)).body;
  }

  /** What the steps of an execution printed. */
  async outputs(id: string): Promise<string[]> {
    return (await this.execution(id)).steps.map(({ output }) => output.preview);
  }

  async event(key: string): Promise<EventJson> {
    return (await this.request<EventJson>("GET", `/api/v1/events/${key}?wait=10000`)).body;
  }
}

export interface Answer<Body> {
  status: number;
  body: Body;
}

export interface DeployedJson {
  version: string;
  warnings: string[];
  problems?: { path: string; message: string }[];
}

export interface ExecutionJson {
  id: string;
  project: string;
  service: string;
  version: string;
  status: string;
  trigger: string;
  eventType: string;
  eventKey: string;
  correlationId: string;
  sequence: number;
  attempt: number;
  losses: number;
  retryOf: string | null;
  startedAt: string | null;
  finishedAt: string | null;
  error: { kind: string; message: string } | null;
  /** Of one execution alone. */
  steps: {
    script: string;
    status: string;
    exitCode: number | null;
    output: { preview: string; sizeBytes: number; truncated: boolean };
  }[];
}

export interface EventJson {
  key: string;
  outcome: string;
  reason: string | null;
  links: { linkId: string; service: string; matched: boolean; reason: string | null; executionId: string | null }[];
}

export interface RequestOptions {
  json?: unknown;
  body?: string | Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
}

function startIn(
  directory: string,
  settings: Record<string, string | number>,
  environment: Record<string, string> = {},
): Promise<Platform> {
  return startPlatform({
    flags: { port: 0, dataDir: path.join(directory, "data"), logLevel: "silent", ...settings },
    environment: { ...environment, FX_TOKEN: testToken },
    directory,
  });
}

/** A gzipped tar of a service's directory, as the API takes it. */
export async function packFiles(files: Record<string, string>): Promise<Uint8Array<ArrayBuffer>> {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return new Uint8Array(gzipSync(Buffer.concat(chunks)));
}
