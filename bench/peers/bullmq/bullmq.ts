import type { Peer } from "../peer.ts";
import { layFiles, nodePackages } from "../support/cache.ts";
import { driven } from "../support/driven.ts";
import { installRedis, startRedis } from "../support/redis.ts";

export const bullmq: Peer = {
  name: "bullmq",
  title: "BullMQ (JavaScript)",
  traits: {
    isolation: "none: one process",
    durable: "within a second",
    kept: "what it returns",
    ui: "another program",
  },
  burstJobs: 3000,
  install: async () =>
    `${await nodePackages("bullmq", { bullmq: "6.7.0", ioredis: "5.8.2" })}, ${await installRedis()}`,
  start: async (stage) => {
    const env = { REDIS_URL: await startRedis(stage) };
    const cwd = layFiles("bullmq");
    await stage.run({ command: process.execPath, args: ["worker.mjs"], cwd, env, ready: /^ready/ });
    return await driven(stage, { command: process.execPath, args: ["driver.mjs"], cwd, env });
  },
};
