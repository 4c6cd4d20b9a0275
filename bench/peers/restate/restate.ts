import { chmodSync } from "node:fs";
import path from "node:path";
import { freePort } from "../../../engines/free-ports.ts";
import type { Peer } from "../peer.ts";
import { cacheOf, layFiles, nodePackages } from "../support/cache.ts";
import { driven } from "../support/driven.ts";

const serverVersion = "1.7.12";
const sdkVersion = "1.17.2";
const packages = {
  "@restatedev/restate-server": serverVersion,
  "@restatedev/restate-sdk": sdkVersion,
  "@restatedev/restate-sdk-clients": sdkVersion,
};

export const restate: Peer = {
  name: "restate",
  title: "Restate (JavaScript)",
  traits: {
    isolation: "none: one process",
    durable: "yes",
    kept: "what it returns, journal of steps, a day",
    ui: "yes",
  },
  burstJobs: 2000,
  install: async () => {
    await nodePackages("restate", packages);
    return `Restate ${serverVersion}, SDK ${sdkVersion}`;
  },
  start: async (stage) => {
    const [ingress, admin, node, service] = [await freePort(), await freePort(), await freePort(), await freePort()];
    const cwd = layFiles("restate");
    const server = path.join(
      cacheOf("restate"),
      `node_modules/@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`,
    );
    chmodSync(server, 0o755);
    await stage.run({
      command: process.execPath,
      args: ["worker.mjs"],
      cwd,
      env: { PORT: `${service}` },
      ready: /^ready/,
    });
    await stage.run({
      command: server,
      args: ["--base-dir", path.join(stage.directory, "restate"), "--no-logo"],
      env: {
        RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
        RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
        RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
        RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}`,
        RESTATE_DISABLE_TELEMETRY: "true",
      },
    });
    const env = { INGRESS: `http://127.0.0.1:${ingress}`, ADMIN: `http://127.0.0.1:${admin}`, PORT: `${service}` };
    return await driven(stage, { command: process.execPath, args: ["driver.mjs"], cwd, env });
  },
};
