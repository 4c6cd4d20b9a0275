import { onTestFinished } from "vitest";
import { Cache, cacheRoot } from "../../engines/cache.ts";
import type { Engine, ServerPlace } from "../../engines/engine.ts";
import { s3 } from "../../engines/s3.ts";
import { placeServers, startServers, stopServers } from "../../engines/servers.ts";
import { tempDir } from "./temp-dir.ts";

/** A server of the test's own that is started with further options; gone when the test ends. */
export async function s3ServerWith(
  options: readonly string[],
  answers: Engine["answers"] = s3.answers,
): Promise<ServerPlace> {
  const engine: Engine = {
    ...s3,
    answers,
    async prepare(server, all) {
      const { args, ...same } = await s3.prepare(server, all);
      return { ...same, args: [...options, ...args] };
    },
  };
  const programs = await engine.install(new Cache(cacheRoot(), console.error));
  const servers = await placeServers(engine, programs, tempDir(), 1);
  onTestFinished(() => stopServers(servers));
  await startServers(servers);
  return servers.places[0] as ServerPlace;
}
