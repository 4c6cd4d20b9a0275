import type { Peer } from "../peer.ts";
import { layFiles, pythonOf, pythonPackages } from "../support/cache.ts";
import { driven } from "../support/driven.ts";
import { installRedis, startRedis } from "../support/redis.ts";

export const huey: Peer = {
  name: "huey",
  title: "Huey, processes (Python)",
  traits: {
    isolation: "none: a long-lived process for each slot",
    durable: "within a second",
    kept: "what it returns, until it is read",
    ui: "none",
  },
  burstJobs: 1500,
  install: async () => `${await pythonPackages("huey", ["huey==3.5.4", "redis==8.1.0"])}, ${await installRedis()}`,
  start: async (stage) => {
    const env = { REDIS_URL: await startRedis(stage) };
    const cwd = layFiles("huey");
    await stage.run({
      command: pythonOf("huey"),
      args: ["bin/huey_consumer", "jobs.huey", "--worker-type", "process", "--workers", "2"],
      cwd,
      env: { ...env, PYTHONPATH: cwd },
      ready: /The following commands are available/,
    });
    return await driven(stage, { command: pythonOf("huey"), args: ["driver.py"], cwd, env });
  },
};
