import type { Peer } from "../peer.ts";
import { layFiles, pythonOf, pythonPackages } from "../support/cache.ts";
import { driven } from "../support/driven.ts";
import { installRedis, startRedis } from "../support/redis.ts";

export const rq: Peer = {
  name: "rq",
  title: "RQ, a fork a job (Python)",
  traits: {
    isolation: "a process, same user",
    durable: "within a second",
    kept: "what it returns, 500 s",
    ui: "another program",
  },
  burstJobs: 150,
  install: async () => `${await pythonPackages("rq", ["rq==3.0.0"])}, ${await installRedis()}`,
  start: async (stage) => {
    const env = { REDIS_URL: await startRedis(stage) };
    const cwd = layFiles("rq");
    await stage.run({
      command: pythonOf("rq"),
      args: ["-m", "rq.cli", "worker-pool", "--num-workers", "2", "--url", env.REDIS_URL],
      cwd,
      env,
    });
    return await driven(stage, { command: pythonOf("rq"), args: ["driver.py"], cwd, env });
  },
};
