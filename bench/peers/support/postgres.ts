import { chmodSync, mkdirSync } from "node:fs";
import path from "node:path";
import { startPostgres as startServer } from "../../../test/support/postgres-server.ts";
import type { Stage } from "./stage.ts";

export const postgresVersion = "PostgreSQL 18.4";

/** An empty PostgreSQL that syncs each commit, as it does unless told otherwise. Resolves to the address of its database. */
export async function startPostgres(stage: Stage): Promise<string> {
  const directory = path.join(stage.directory, "postgres");
  mkdirSync(directory);
  // Where root starts it, it runs as another user.
  chmodSync(stage.directory, 0o755);
  const server = await startServer(directory, { durable: true });
  process.once("exit", server.kill);
  stage.onEnd(async () => {
    process.off("exit", server.kill);
    await server.close();
  });
  return server.url;
}
