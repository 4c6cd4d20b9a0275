import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { Cache, cacheRoot } from "../../engines/cache.ts";
import { engineNamed } from "../../engines/engines.ts";
import { placeServers, runs, type Servers, signalServer, startServers, stopServers } from "../../engines/servers.ts";
import { dataRoot, EnginesState } from "../../engines/state.ts";

let names = 0;
let directory: string | undefined;
const started = new Map<string, Promise<Servers>>();
const running: Servers[] = [];

process.on("exit", () => {
  for (const servers of running) for (const { index } of servers.places) signalServer(servers, index, "SIGKILL");
  if (directory) rmSync(directory, { recursive: true, force: true });
});

/** Those that `npm run engines -- up` has started; else one server, started once for all benches of this run. */
export function engineServers(name: string, note: (text: string) => void): Promise<Servers> {
  const known = started.get(name);
  if (known) return known;
  const starting = start(name, note);
  started.set(name, starting);
  return starting;
}

/** Resolves when all engines of this run are gone. */
export async function stopEngines(): Promise<void> {
  await Promise.all(running.map(stopServers));
}

/** For a database, topics and indices that no other bench uses, also of another run. */
export function ownName(): string {
  names += 1;
  return `bench-${process.pid}-${names}`;
}

/** A new database beside the one that the address names; answers its own address. */
export async function freshDatabase(address: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: address });
  await client.connect();
  await client.query(`create database "${name}"`);
  await client.end();
  const url = new URL(address);
  url.pathname = `/${name}`;
  return url.href;
}

async function start(name: string, note: (text: string) => void): Promise<Servers> {
  const engine = engineNamed(name);
  const up = new EnginesState(dataRoot()).read().find((servers) => servers.engine === engine);
  if (up?.places.every(({ index }) => runs(up, index))) return up;
  const programs = await engine.install(new Cache(cacheRoot(), note));
  directory ??= mkdtempSync(path.join(os.tmpdir(), "fx-bench-engines-"));
  // Servers that refuse to be root run as other users.
  chmodSync(directory, 0o755);
  const servers = await placeServers(engine, programs, directory, 1);
  note(`starting ${engine.title}`);
  running.push(servers);
  await startServers(servers);
  return servers;
}
