import path from "node:path";
import { freePort } from "../../../engines/free-ports.ts";
import type { Peer } from "../peer.ts";
import { layFiles, pythonOf, pythonPackages } from "../support/cache.ts";
import { driven } from "../support/driven.ts";

export const prefect: Peer = {
  name: "prefect",
  title: "Prefect (Python)",
  traits: {
    isolation: "none: threads of one process",
    durable: "yes, without a sync",
    kept: "state and times, logs of its logger",
    ui: "yes",
  },
  burstJobs: 200,
  install: async () => await pythonPackages("prefect", ["prefect==3.9.1"]),
  start: async (stage) => {
    const port = await freePort();
    const env = {
      PREFECT_HOME: path.join(stage.directory, "prefect"),
      PREFECT_API_URL: `http://127.0.0.1:${port}/api`,
      PREFECT_SERVER_ANALYTICS_ENABLED: "false",
      PREFECT_LOGGING_LEVEL: "ERROR",
      DO_NOT_TRACK: "1",
    };
    const cwd = layFiles("prefect");
    const command = pythonOf("prefect");
    const server = ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", `${port}`];
    await stage.run({ command, args: server, cwd, env, ready: port });
    await stage.run({ command, args: ["worker.py"], cwd, env });
    return await driven(stage, { command, args: ["driver.py"], cwd, env });
  },
};
