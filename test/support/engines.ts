import { chmodSync } from "node:fs";
import { inject, onTestFinished } from "vitest";
import { Cache, cacheRoot } from "../../engines/cache.ts";
import type { ServerPlace } from "../../engines/engine.ts";
import { engineNamed } from "../../engines/engines.ts";
import { placeServers, type Servers, startServers, stopServers } from "../../engines/servers.ts";
import { tempDir } from "./temp-dir.ts";

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
export async function ownServers(name: string, count = 1): Promise<Servers> {
  const engine = engineNamed(name);
  const directory = tempDir();
  chmodSync(directory, 0o755);
  const programs = await engine.install(new Cache(cacheRoot(), console.error));
  const servers = await placeServers(engine, programs, directory, count);
  onTestFinished(() => stopServers(servers));
  await startServers(servers);
  return servers;
}
