import path from "node:path";
import { freePort } from "../../../engines/free-ports.ts";
import type { Peer } from "../peer.ts";
import { layFiles, nodePackages } from "../support/cache.ts";
import { driven } from "../support/driven.ts";

export const nodeRed: Peer = {
  name: "node-red",
  title: "Node-RED (JavaScript)",
  traits: { isolation: "none: one process", durable: "no: nothing is", kept: "nothing", ui: "yes" },
  burstJobs: 3000,
  install: async () => await nodePackages("node-red", { "node-red": "5.0.7" }),
  start: async (stage) => {
    const port = await freePort();
    const cwd = layFiles("node-red");
    await stage.run({
      command: process.execPath,
      args: [
        "node_modules/node-red/red.js",
        "--settings",
        path.join(cwd, "settings.cjs"),
        "--userDir",
        path.join(stage.directory, "node-red"),
        "--port",
        `${port}`,
        path.join(cwd, "flows.json"),
      ],
      cwd,
      ready: /Started flows/,
    });
    const env = { URL: `http://127.0.0.1:${port}/bench` };
    return await driven(stage, { command: process.execPath, args: ["over-http.mjs"], cwd, env });
  },
};
