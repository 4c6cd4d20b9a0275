import type { Peer } from "../peer.ts";
import { layFiles, pythonOf, pythonPackages } from "../support/cache.ts";
import { driven } from "../support/driven.ts";
import { postgresVersion, startPostgres } from "../support/postgres.ts";

export const procrastinate: Peer = {
  name: "procrastinate",
  title: "Procrastinate (Python)",
  traits: {
    isolation: "none: one process",
    durable: "yes",
    kept: "state and times",
    ui: "none",
  },
  burstJobs: 1000,
  install: async () =>
    `${await pythonPackages("procrastinate", ["procrastinate==3.10.0", "psycopg[binary]"])}, ${postgresVersion}`,
  start: async (stage) => {
    const env = { DATABASE_URL: await startPostgres(stage) };
    const cwd = layFiles("procrastinate");
    const command = pythonOf("procrastinate");
    await stage.run({ command, args: ["worker.py"], cwd, env, ready: /^ready/ });
    return await driven(stage, { command, args: ["driver.py"], cwd, env });
  },
};
