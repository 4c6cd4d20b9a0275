import { mkdirSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import type { ServerPlace } from "../../engines/engine.ts";
import type { Servers } from "../../engines/servers.ts";
import { engineServers, freshDatabase, ownName } from "./engines.ts";
import { BenchPlatform, platformCommand } from "./platform.ts";
import { processorMsBelow } from "./processes.ts";

const engineNames = ["postgres", "kafka", "consul", "s3", "opensearch"] as const;
/** 32 bytes in base64, as every process of an installation must be given. */
const secretsKey = Buffer.alloc(32, 7).toString("base64");
/** Of users for the scripts of one executor. */

/** The platform on real engines, every role a process; with a database, topics and indices of its own. */
export class BenchInstallation {
  /** For looks at what is decided, beside the platform. */
  readonly catalog: pg.Client;
  /** Of every process. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #directory: string;
  readonly #engines: readonly Servers[];
  readonly #processes = new Map<string, BenchPlatform>();
  #started = 0;

  private constructor(directory: string, engines: readonly Servers[], environment: Record<string, string>) {
    this.#directory = directory;
    this.#engines = engines;
    this.environment = environment;
    this.catalog = new pg.Client({ connectionString: environment.FX_CATALOG_URL });
  }

  /** Its engines answer; no process runs yet. `directory`: scripts, which run as other users, may pass through it. */
  static async open(
    directory: string,
    settings: Readonly<Record<string, string>>,
    note: (text: string) => void,
  ): Promise<BenchInstallation> {
    const engines: Servers[] = [];
    for (const name of engineNames) engines.push(await engineServers(name, note));
    const ofEngines = engines.map(({ engine, places }) => engine.environment(places));
    const environment = Object.assign({ FX_SECRETS_KEY: secretsKey }, ...ofEngines, settings);
    const name = ownName();
    environment.FX_CATALOG_URL = await freshDatabase(environment.FX_CATALOG_URL, name);
    environment.FX_BUS_PREFIX = `${name}.`;
    environment.FX_CONFIG_STORE_PREFIX = name;
    environment.FX_OPS_DATA_PREFIX = name;
    const installation = new BenchInstallation(directory, engines, environment);
    await installation.catalog.connect();
    return installation;
  }

  /** Starts a process, `router` or `router-2`: the role is what the name begins with. Resolves once it is ready. */
  async start(name: string, command: readonly string[] = platformCommand(roleOf(name))): Promise<BenchPlatform> {
    const directory = path.join(this.#directory, `${name}-${this.#started}`);
    this.#started += 1;
    mkdirSync(directory, { mode: 0o711 });
    const process = await BenchPlatform.start(path.join(directory, "data"), this.environment, command);
    this.#processes.set(name, process);
    return process;
  }

  /** Where the one server of an engine has its data. */
  server(engine: string): ServerPlace {
    const place = this.#engines.find((servers) => servers.engine.name === engine)?.places[0];
    if (place === undefined) throw new Error(`an installation has no engine "${engine}"`);
    return place;
  }

  process(name: string): BenchPlatform {
    const found = this.#processes.get(name);
    if (found === undefined) throw new Error(`no process "${name}" was started`);
    return found;
  }

  /** As an orchestrator stops them. */
  async stop(...names: string[]): Promise<void> {
    await Promise.all(names.map((name) => this.process(name).stop()));
    for (const name of names) this.#processes.delete(name);
  }

  /** Processor time so far, by role and by engine. */
  processorMs(): Map<string, number> {
    const spent = new Map<string, number>();
    const add = (name: string, ms: number) => spent.set(name, (spent.get(name) ?? 0) + ms);
    for (const [name, process] of this.#processes) add(roleOf(name), process.processorMs());
    for (const { engine, processes } of this.#engines) {
      for (const process of processes) if (process) add(engine.name, processorMsBelow(process.pid));
    }
    return spent;
  }

  async close(): Promise<void> {
    await this.catalog.end();
    await Promise.all([...this.#processes.values()].map((process) => process.kill()));
  }
}

function roleOf(name: string): string {
  return name.replace(/-\d+$/, "");
}
