import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { Cache, cacheRoot } from "../../engines/cache.ts";
import type { ServerPlace } from "../../engines/engine.ts";
import { allEngines, engineNamed } from "../../engines/engines.ts";
import { placeServers, type Servers, startServers, stopServers } from "../../engines/servers.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** By the engine's name: the servers that all test files share. */
    engines: Record<string, ServerPlace[]>;
  }
}

/** Starts one server of each engine that `FX_ENGINES` names (kafka,postgres), or of all, for every test file of the run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = mkdtempSync(path.join(os.tmpdir(), "fx-engines-"));
  chmodSync(directory, 0o755);
  const wanted = process.env.FX_ENGINES ?? "all";
  const started: Servers[] = [];
  const end = async () => {
    await Promise.all(started.map(stopServers));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    for (const engine of wanted === "all" ? allEngines : wanted.split(",").map(engineNamed)) {
      const programs = await engine.install(new Cache(cacheRoot(), console.error));
      started.push(await placeServers(engine, programs, directory, 1));
    }
    await Promise.all(started.map(startServers));
  } catch (error) {
    await end();
    throw error;
  }
  project.provide("engines", Object.fromEntries(started.map(({ engine, places }) => [engine.name, [...places]])));
  return end;
}
