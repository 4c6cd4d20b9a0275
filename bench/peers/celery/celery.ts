import type { Peer } from "../peer.ts";
import { layFiles, pythonOf, pythonPackages } from "../support/cache.ts";
import { driven } from "../support/driven.ts";
import { installRedis, startRedis } from "../support/redis.ts";

export const celery: Peer = {
  name: "celery",
  title: "Celery, prefork (Python)",
  traits: {
    isolation: "none: a long-lived process for each slot",
    durable: "within a second",
    kept: "what it returns, a day",
    ui: "another program",
  },
  burstJobs: 1500,
  install: async () => `${await pythonPackages("celery", ["celery[redis]==5.7.0"])}, ${await installRedis()}`,
  start: async (stage) => {
    const env = { REDIS_URL: await startRedis(stage) };
    const cwd = layFiles("celery");
    const options = [
      "--pool=prefork",
      "--concurrency=2",
      "--without-gossip",
      "--without-mingle",
      "--without-heartbeat",
    ];
    await stage.run({
      command: pythonOf("celery"),
      args: ["-m", "celery", "-A", "jobs", "worker", ...options],
      cwd,
      env,
    });
    return await driven(stage, { command: pythonOf("celery"), args: ["driver.py"], cwd, env });
  },
};
