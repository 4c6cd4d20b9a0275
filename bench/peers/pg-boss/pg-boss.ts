import type { Peer } from "../peer.ts";
import { layFiles, nodePackages } from "../support/cache.ts";
import { driven } from "../support/driven.ts";
import { postgresVersion, startPostgres } from "../support/postgres.ts";

export const pgBoss: Peer = {
  name: "pg-boss",
  title: "pg-boss, notified (JavaScript)",
  traits: {
    isolation: "none: one process",
    durable: "yes",
    kept: "what it returns",
    ui: "another program",
  },
  burstJobs: 1000,
  install: async () => `${await nodePackages("pg-boss", { "pg-boss": "12.38.0" })}, ${postgresVersion}`,
  start: async (stage) => {
    const env = { DATABASE_URL: await startPostgres(stage) };
    const cwd = layFiles("pg-boss");
    await stage.run({ command: process.execPath, args: ["worker.mjs"], cwd, env, ready: /^ready/ });
    return await driven(stage, { command: process.execPath, args: ["driver.mjs"], cwd, env });
  },
};
