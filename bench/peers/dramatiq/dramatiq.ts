import type { Peer } from "../peer.ts";
import { layFiles, pythonOf, pythonPackages } from "../support/cache.ts";
import { driven } from "../support/driven.ts";
import { installRedis, startRedis } from "../support/redis.ts";

export const dramatiq: Peer = {
  name: "dramatiq",
  title: "Dramatiq (Python)",
  traits: {
    isolation: "none: threads of long-lived processes",
    durable: "within a second",
    kept: "what it returns, ten minutes",
    ui: "another program",
  },
  burstJobs: 1500,
  install: async () => `${await pythonPackages("dramatiq", ["dramatiq[redis]==2.2.1"])}, ${await installRedis()}`,
  start: async (stage) => {
    const env = { REDIS_URL: await startRedis(stage) };
    const cwd = layFiles("dramatiq");
    await stage.run({
      command: pythonOf("dramatiq"),
      args: ["-m", "dramatiq", "jobs", "--processes", "2", "--threads", "8"],
      cwd,
      env,
      ready: /Worker process is ready for action/,
    });
    return await driven(stage, { command: pythonOf("dramatiq"), args: ["driver.py"], cwd, env });
  },
};
