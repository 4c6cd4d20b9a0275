import type { Peer } from "../peer.ts";
import { layFiles, pythonOf, pythonPackages } from "../support/cache.ts";
import { driven } from "../support/driven.ts";
import { postgresVersion, startPostgres } from "../support/postgres.ts";

export const dbos: Peer = {
  name: "dbos",
  title: "DBOS (Python)",
  traits: {
    isolation: "none: threads of one process",
    durable: "yes",
    kept: "what each step returns",
    ui: "another service",
  },
  burstJobs: 300,
  install: async () => `${await pythonPackages("dbos", ["dbos==3.4.0"])}, ${postgresVersion}`,
  start: async (stage) => {
    const env = { DATABASE_URL: await startPostgres(stage) };
    return await driven(stage, { command: pythonOf("dbos"), args: ["driver.py"], cwd: layFiles("dbos"), env });
  },
};
