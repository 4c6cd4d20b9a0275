import { chmodSync } from "node:fs";
import { afterAll, beforeAll, inject, onTestFinished } from "vitest";
import { Cache, cacheRoot } from "../../engines/cache.ts";
import type { Engine, ServerPlace } from "../../engines/engine.ts";
import { engineNamed } from "../../engines/engines.ts";
import { placeServers, type Servers, startServers, stopServers } from "../../engines/servers.ts";
import { tempDir, tempDirForFile } from "./temp-dir.ts";

/**
 * The servers of an engine that the whole run of test:engines shares. Whoever uses them keeps to names of its own: a database,
 * a prefix, a bucket.
 */
export function sharedServers(name: string): readonly ServerPlace[] {
  const places = inject("engines")[name];
  if (places === undefined) throw new Error(`this run has no engine "${name}": npm run test:engines starts them all`);
  return places;
}

/** The platform's settings that use the shared servers of an engine, as environment variables. */
export function sharedEnvironment(name: string): Record<string, string> {
  return engineNamed(name).environment(sharedServers(name));
}

/** Servers of the test's own, for one that harms them; on free ports, and gone when the test ends. */
export async function ownServers(nameOrEngine: string | Engine, count = 1): Promise<Servers> {
  const engine = typeof nameOrEngine === "string" ? engineNamed(nameOrEngine) : nameOrEngine;
  const servers = await placeOwn(engine, count, tempDir());
  onTestFinished(() => stopServers(servers));
  await startServers(servers);
  return servers;
}

/** Servers of a test file's own; call it outside of tests, and what it answers inside of them. */
export function ownServersForFile(engine: Engine, count = 1): () => Servers {
  const directory = tempDirForFile();
  let servers: Servers | undefined;
  beforeAll(async () => {
    servers = await placeOwn(engine, count, directory);
    await startServers(servers);
  });
  afterAll(async () => {
    if (servers) await stopServers(servers);
  });
  return () => servers as Servers;
}

async function placeOwn(engine: Engine, count: number, directory: string): Promise<Servers> {
  chmodSync(directory, 0o755);
  const programs = await engine.install(new Cache(cacheRoot(), console.error));
  return placeServers(engine, programs, directory, count);
}
