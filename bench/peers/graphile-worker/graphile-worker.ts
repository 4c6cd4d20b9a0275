import type { Peer } from "../peer.ts";
import { layFiles, nodePackages } from "../support/cache.ts";
import { driven } from "../support/driven.ts";
import { postgresVersion, startPostgres } from "../support/postgres.ts";

export const graphileWorker: Peer = {
  name: "graphile-worker",
  title: "graphile-worker, local queue (JavaScript)",
  traits: {
    isolation: "none: one process",
    durable: "yes",
    kept: "nothing: a completed job is deleted",
    ui: "none",
  },
  burstJobs: 3000,
  install: async () => `${await nodePackages("graphile-worker", { "graphile-worker": "0.18.0" })}, ${postgresVersion}`,
  start: async (stage) => {
    const env = { DATABASE_URL: await startPostgres(stage) };
    const cwd = layFiles("graphile-worker");
    await stage.run({ command: process.execPath, args: ["worker.mjs"], cwd, env, ready: /^ready/ });
    return await driven(stage, { command: process.execPath, args: ["driver.mjs"], cwd, env });
  },
};
