import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { encodeFrame, FrameReader } from "../../../src/executor/frame.ts";
import { findBun } from "../../../src/executor/runtimes/find-bun.ts";
import { sdkDirectory } from "../../../src/executor/runtimes/library.ts";
import type { Json, JsonObject } from "../../../src/foundation/json.ts";
import type { JavaScriptRuntime } from "../../../src/services/manifest.ts";

/** An ask as a host sends it. */
export interface WarmAsk extends JsonObject {
  op: string;
  run: number;
}

export interface WarmRunEnd {
  code: number;
  leftovers: string[];
  stdout: string;
  stderr: string;
  /** Both streams, in order. */
  both: string;
  bytes: Buffer;
  asks: WarmAsk[];
}

interface Words {
  nonce?: string;
  ready?: true;
  id?: number;
  op?: string;
  run?: number;
  output?: "stdout" | "stderr";
  text?: string;
  base64?: string;
  ended?: { code: number; leftovers: string[] };
}

interface CurrentRun {
  asks: WarmAsk[];
  pieces: { output: string; bytes: Buffer }[];
  seen: PromiseWithResolvers<WarmRunEnd>;
}

export interface WarmRunOptions {
  params?: JsonObject;
  env?: Record<string, string>;
  /** Answers an ask; not called for those without an id. */
  answer?: (ask: WarmAsk) => Json | Promise<Json>;
  previous?: Json;
}

const closed = [
  "--no-install",
  "--no-env-file",
  "--no-macros",
  `--config=${join(sdkDirectory, "typescript/src/bun.toml")}`,
];
const quiet = ["--disable-warning=ExperimentalWarning", "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"];

async function commandOf(runtime: JavaScriptRuntime): Promise<[string, string[]]> {
  const sources = join(sdkDirectory, "typescript/src");
  if (runtime === "bun") return [(await findBun(undefined)).command, [...closed, join(sources, "warm/host-bun.mjs")]];
  return [
    process.execPath,
    [...quiet, "--require", join(sources, "bootstrap.cjs"), join(sources, "warm/host-node.cjs")],
  ];
}

/** A warm process of one script, and the executor's part towards it, on a real socket. */
export class WarmProcess {
  readonly directory: string;
  /** What came on the process's own descriptors. */
  direct = "";
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #server: Server;
  readonly #frames = new FrameReader(5 * 1024 * 1024);
  readonly #ready = Promise.withResolvers<void>();
  readonly #script: string;
  #socket: Socket | undefined;
  #run: CurrentRun | undefined;
  #answer: (ask: WarmAsk) => Json | Promise<Json> = () => null;
  #runs = 0;

  private constructor(directory: string, script: string, server: Server, child: ChildProcess) {
    this.directory = directory;
    this.#script = script;
    this.#server = server;
    this.#child = child;
    for (const pipe of [child.stdout, child.stderr]) pipe?.on("data", (chunk) => (this.direct += chunk));
    this.exited = new Promise((resolve) => child.once("exit", resolve));
    void this.exited.then((code) => this.#fail(new Error(`the process ended with ${code}: ${this.direct}`)));
    server.on("connection", (socket) => this.#admit(socket));
  }

  /** `files` become a service's directory below `root`, which is empty and takes the socket as well. */
  static async start(
    root: string,
    runtime: JavaScriptRuntime,
    files: Record<string, string>,
    script = Object.keys(files)[0] as string,
  ): Promise<WarmProcess> {
    const directory = join(root, "version");
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), content);
    }
    const path = join(root, "s");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const [command, args] = await commandOf(runtime);
    const env = { PATH: process.env.PATH, FX_CHANNEL: path, FX_NONCE: "nonce" };
    const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const warm = new WarmProcess(directory, script, server, child);
    await warm.#ready.promise;
    return warm;
  }

  /** What the process has in memory, in bytes. */
  residentBytes(): number {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.#child.pid}/status`, "utf8"))?.[1]) * 1024;
  }

  async run(options: WarmRunOptions = {}): Promise<WarmRunEnd> {
    const number = ++this.#runs;
    const run: CurrentRun = { asks: [], pieces: [], seen: Promise.withResolvers() };
    this.#run = run;
    this.#answer = options.answer ?? ((ask) => (ask.op === "emit" ? { id: `e${ask.id}` } : null));
    const params = options.params ?? {};
    const context = {
      event: { specversion: "1.0", id: "e1", source: "/test", type: "test.happened", data: params },
      params,
      service: { project: "shop", name: "orders", version: "v1" },
      execution: { id: `x${number}`, attempt: 1, step: 1, script: this.#script, replay: false, original: null },
      config: {},
      previous: options.previous ?? null,
    };
    const argument = JSON.stringify({ ...params, service_name: "orders", package_name: "orders" });
    const env = { FX_EXECUTION_ID: `x${number}`, ...options.env };
    this.#say({ run: number, welcome: { context, directory: this.directory, argument }, env, scratch: "/tmp" });
    return run.seen.promise;
  }

  hangUp(): void {
    this.#socket?.destroy();
  }

  async close(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
    this.#socket?.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #admit(socket: Socket): void {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      for (const frame of this.#frames.read(chunk)) void this.#hear(JSON.parse(frame.toString()));
    });
  }

  async #hear(words: Words): Promise<void> {
    const run = this.#run;
    if (words.nonce) return this.#say({ host: { directory: this.directory, script: this.#script } });
    if (words.ready) return this.#ready.resolve();
    if (!run || words.run !== this.#runs) throw new Error(`not of the current run: ${JSON.stringify(words)}`);
    if (words.output) {
      const bytes = Buffer.from(words.text ?? words.base64 ?? "", words.base64 === undefined ? "utf8" : "base64");
      run.pieces.push({ output: words.output, bytes });
    }
    if (words.ended) run.seen.resolve({ ...words.ended, ...readPieces(run) });
    if (!words.op) return;
    run.asks.push(words as unknown as WarmAsk);
    if (words.id !== undefined) this.#say({ id: words.id, value: await this.#answer(words as unknown as WarmAsk) });
  }

  #say(words: JsonObject): void {
    this.#socket?.write(encodeFrame(Buffer.from(JSON.stringify(words))));
  }

  #fail(error: Error): void {
    this.#ready.promise.catch(() => {});
    this.#ready.reject(error);
    this.#run?.seen.promise.catch(() => {});
    this.#run?.seen.reject(error);
  }
}

function readPieces({ asks, pieces }: CurrentRun) {
  const bytesOf = (output?: string) =>
    Buffer.concat(pieces.filter((piece) => !output || piece.output === output).map(({ bytes }) => bytes));
  return {
    asks,
    bytes: bytesOf("stdout"),
    stdout: bytesOf("stdout").toString(),
    stderr: bytesOf("stderr").toString(),
    both: bytesOf().toString(),
  };
}
