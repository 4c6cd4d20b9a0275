import { freePort } from "../../../engines/free-ports.ts";
import { tool } from "./cache.ts";
import type { Stage } from "./stage.ts";

/** The machine's Redis; where root may install packages of Debian, it is installed. */
export async function installRedis(): Promise<string> {
  const version = () => tool("redis-server", ["--version"]);
  const said = await version().catch(async () => {
    console.error("installing redis-server");
    await tool("apt-get", ["install", "--yes", "--quiet", "--no-install-recommends", "redis-server"]);
    return await version();
  });
  return `Redis ${/v=(\S+)/.exec(said)?.[1] ?? "of unknown version"}`;
}

/** An empty Redis that writes its log to disk each second, as its own manual recommends where data counts. */
export async function startRedis(stage: Stage): Promise<string> {
  const port = await freePort();
  const settings = {
    port,
    bind: "127.0.0.1",
    dir: stage.directory,
    appendonly: "yes",
    appendfsync: "everysec",
    save: "",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  await stage.run({ command: "redis-server", args, ready: /Ready to accept connections/ });
  return `redis://127.0.0.1:${port}/0`;
}
