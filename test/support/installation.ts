import { chmodSync, mkdirSync } from "node:fs";
import path from "node:path";
import { onTestFinished } from "vitest";
import type { Servers } from "../../engines/servers.ts";
import type { Role } from "../../src/platform/roles.ts";
import { ownServers } from "./engines.ts";
import { ApiClient, FxProcess } from "./fx-process.ts";
import { tempDir } from "./temp-dir.ts";

const token = "the-token-of-the-chaos-tests";
/** 32 bytes in base64, as every process of an installation must be given. */
const secretsKey = Buffer.alloc(32, 7).toString("base64");

export interface InstallationOptions {
  /** By the engine's name, how many servers: `{ kafka: 3, postgres: 1 }`. */
  engines: Readonly<Record<string, number>>;
  /** Of every process, as environment variables. */
  environment?: Readonly<Record<string, string>>;
}

/** Engines of its own, and the platform on them: every role a process, and any number of each. */
export class Installation {
  readonly engines: ReadonlyMap<string, Servers>;
  readonly api: ApiClient;
  readonly #directory = tempDir();
  readonly #environment: Readonly<Record<string, string>>;
  readonly #processes = new Map<string, FxProcess>();

  private constructor(engines: ReadonlyMap<string, Servers>, environment: Readonly<Record<string, string>>) {
    this.engines = engines;
    this.#environment = environment;
    this.api = new ApiClient(() => this.#managerUrl(), token);
    // As a person's directories are: scripts, which run as other users, may pass through.
    chmodSync(this.#directory, 0o711);
  }

  /** Gone when the test ends. */
  static async start({ engines, environment = {} }: InstallationOptions): Promise<Installation> {
    const started = await Promise.all(
      Object.entries(engines).map(async ([name, count]) => [name, await ownServers(name, count)] as const),
    );
    const ofEngines = started.map(([, { engine, places }]) => engine.environment(places));
    const all = Object.assign({ FX_SECRETS_KEY: secretsKey, FX_LOG_LEVEL: "warn" }, ...ofEngines, environment);
    const installation = new Installation(new Map(started), all);
    onTestFinished(() => installation.#end());
    return installation;
  }

  /** Starts processes, `router` or `router-2`: the role is what a name begins with. Resolves once they are ready. */
  async start(...names: string[]): Promise<void> {
    const starting = names.map((name) => this.#processOf(name, {}));
    for (const each of starting) each.start();
    for (const each of starting) await each.ready();
  }

  /** Starts one process in surroundings of its own, which it keeps when it is started again. */
  async startIn(
    name: string,
    surroundings: { environment?: Readonly<Record<string, string>>; through?: readonly string[] },
  ): Promise<void> {
    const process = this.#processOf(name, surroundings);
    process.start();
    await process.ready();
  }

  /** What every process of it is given, a program that is none of them too. */
  get environment(): Readonly<Record<string, string>> {
    return this.#environment;
  }

  /** Where the API is. */
  get url(): string | undefined {
    return this.#managerUrl();
  }

  /** Where processes and tests may leave what is gone with the test. */
  get directory(): string {
    return this.#directory;
  }

  process(name: string): FxProcess {
    const found = this.#processes.get(name);
    if (found === undefined) throw new Error(`no process "${name}" was started`);
    return found;
  }

  async kill(name: string): Promise<void> {
    await this.process(name).end("SIGKILL");
  }

  /** As an orchestrator stops it. Answers the exit code. */
  async stop(name: string): Promise<number | null> {
    return this.process(name).end("SIGTERM");
  }

  servers(engine: string): Servers {
    const found = this.engines.get(engine);
    if (found === undefined) throw new Error(`this installation has no engine "${engine}"`);
    return found;
  }

  #processOf(
    name: string,
    { environment, through }: { environment?: Readonly<Record<string, string>>; through?: readonly string[] },
  ): FxProcess {
    const known = this.#processes.get(name);
    if (known) return known;
    const directory = path.join(this.#directory, name);
    mkdirSync(directory, { mode: 0o711 });
    const made = new FxProcess({
      command: name.replace(/-\d+$/, "") satisfies string as Role,
      directory,
      token,
      environment: { ...this.#environment, ...environment },
      ...(through && { through }),
    });
    this.#processes.set(name, made);
    return made;
  }

  #managerUrl(): string | undefined {
    for (const [name, { url }] of this.#processes) if (name.startsWith("manager") && url) return url;
    return undefined;
  }

  async #end(): Promise<void> {
    await Promise.all([...this.#processes.values()].map((each) => each.end("SIGKILL")));
  }
}
