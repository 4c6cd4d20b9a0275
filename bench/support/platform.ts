import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { processorMsBelow, type ResidentProcess, residentBelow } from "./processes.ts";

const token = "bench-token-0123456789";
const root = path.join(import.meta.dirname, "../..");
const main = path.join(root, "src/cli/main.ts");

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

/** What starts a role, or with "start" all of them. */
export function platformCommand(role: string): string[] {
  const flags = (process.env.BENCH_NODE_FLAGS ?? "").split(" ").filter((flag) => flag !== "");
  return [process.execPath, ...flags, main, role];
}

/** The real platform, or a role of it, as a process of its own, in the given data directory, on a free port. */
export class BenchPlatform {
  readonly url: string;
  readonly startMs: number;
  readonly #process: ChildProcess;

  private constructor(process_: ChildProcess, url: string, startMs: number) {
    this.#process = process_;
    this.url = url;
    this.startMs = startMs;
  }

  /** Resolves when it says that it is ready. */
  static async start(
    dataDirectory: string,
    settings: Record<string, string> = {},
    [program = "", ...args]: readonly string[] = platformCommand("start"),
  ): Promise<BenchPlatform> {
    const began = performance.now();
    const { PATH, HOME, TMPDIR } = process.env;
    const child = spawn(program, args, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...(PATH === undefined ? {} : { PATH }),
        ...(HOME === undefined ? {} : { HOME }),
        ...(TMPDIR === undefined ? {} : { TMPDIR }),
        FX_DATA_DIR: dataDirectory,
        FX_PORT: "0",
        FX_TOKEN: token,
        FX_LOG_LEVEL: "error",
        ...settings,
      },
    });
    running.add(child);
    child.once("exit", () => running.delete(child));
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-4000);
    });
    const url = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        const ready = /^FX (?:\w+ )?is ready at (\S+)/.exec(line);
        if (ready) resolve(ready[1] as string);
      });
      child.once("exit", (code) => reject(new Error(`the platform ended with ${code} before it was ready: ${said}`)));
    });
    return new BenchPlatform(child, url, performance.now() - began);
  }

  get headers(): Record<string, string> {
    return { authorization: `Bearer ${token}` };
  }

  async request<Body>(method: string, route: string, body?: unknown, type = "application/json"): Promise<Body> {
    const raw = body instanceof Uint8Array;
    const response = await fetch(`${this.url}${route}`, {
      method,
      headers: body === undefined ? this.headers : { ...this.headers, "content-type": type },
      ...(body === undefined ? {} : { body: raw ? new Uint8Array(body) : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${route} answered ${response.status}: ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as Body;
  }

  async deploy(name: string, files: Record<string, string>): Promise<void> {
    const archive = pack();
    for (const [file, content] of Object.entries(files)) archive.entry({ name: file }, content);
    archive.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of archive) chunks.push(chunk as Buffer);
    const body = new Uint8Array(gzipSync(Buffer.concat(chunks)));
    await this.request("POST", `/api/v1/services/default/${name}/versions`, body, "application/gzip");
  }

  async send(events: readonly Record<string, unknown>[]): Promise<string[]> {
    const whole = events.map((event) => ({ specversion: "1.0", source: "/bench", ...event }));
    const answer = await this.request<{ accepted: { key: string }[] }>(
      "POST",
      "/api/v1/events",
      whole,
      "application/cloudevents-batch+json",
    );
    return answer.accepted.map(({ key }) => key);
  }

  /** Of the platform and of every process below it. */
  memory(): ResidentProcess[] {
    return residentBelow(this.#process.pid as number);
  }

  /** User and system time so far of the platform and of every process below it. */
  processorMs(): number {
    return processorMsBelow(this.#process.pid as number);
  }

  /** SIGTERM, as a person stops it. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await exited;
  }

  /** For when what it still has to do is of no interest. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exited;
  }
}
