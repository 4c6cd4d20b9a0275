import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { freePort } from "../../../engines/free-ports.ts";
import type { Peer, Traits } from "../peer.ts";
import { cacheOf, goProgram, layFiles, nodePackages, pythonOf, pythonPackages } from "../support/cache.ts";
import { driven } from "../support/driven.ts";
import type { Stage } from "../support/stage.ts";

const cliVersion = "v1.9.1";
const traits: Traits = {
  isolation: "none: threads of one process",
  durable: "no: the development server keeps all in memory",
  kept: "what it returns, history of steps",
  ui: "yes",
};

/** The command line's own module cannot be built: it needs a module that no proxy has. So its development server alone is. */
async function installServer(): Promise<string> {
  return await goProgram("temporal-server", `Temporal CLI ${cliVersion}`, (folder) => {
    const cli = "github.com/temporalio/cli";
    cpSync(path.join(import.meta.dirname, "server.go"), path.join(folder, "main.go"));
    mkdirSync(path.join(folder, "cliext"));
    writeFileSync(path.join(folder, "cliext/go.mod"), `module ${cli}/cliext\n`);
    const required = `require ${cli} ${cliVersion}\n\nreplace ${cli}/cliext => ./cliext\n`;
    writeFileSync(path.join(folder, "go.mod"), `module ${cli}/bench\n\ngo 1.26\n\n${required}`);
  });
}

async function startServer(stage: Stage): Promise<Record<string, string>> {
  const port = await freePort();
  const command = path.join(cacheOf("temporal-server"), "temporal-server");
  await stage.run({ command, args: [`${port}`], ready: /^ready/ });
  return { TEMPORAL_ADDRESS: `127.0.0.1:${port}` };
}

export const temporalPython: Peer = {
  name: "temporal-python",
  title: "Temporal, development server (Python)",
  traits,
  burstJobs: 300,
  install: async () =>
    `${await pythonPackages("temporal-python", ["temporalio==1.35.0"])}, server of ${await installServer()}`,
  start: async (stage) => {
    const env = await startServer(stage);
    const cwd = layFiles("temporal-python", "temporal/python");
    const command = pythonOf("temporal-python");
    await stage.run({ command, args: ["worker.py"], cwd, env, ready: /^ready/ });
    return await driven(stage, { command, args: ["driver.py"], cwd, env });
  },
};

const nodeVersion = "1.24.0";
const packages = {
  "@temporalio/activity": nodeVersion,
  "@temporalio/client": nodeVersion,
  "@temporalio/worker": nodeVersion,
  "@temporalio/workflow": nodeVersion,
};

export const temporalNode: Peer = {
  name: "temporal-node",
  title: "Temporal, development server (JavaScript)",
  traits,
  burstJobs: 300,
  install: async () => {
    await nodePackages("temporal-node", packages);
    return `@temporalio/worker ${nodeVersion}, server of ${await installServer()}`;
  },
  start: async (stage) => {
    const env = await startServer(stage);
    const cwd = layFiles("temporal-node", "temporal/node");
    await stage.run({ command: process.execPath, args: ["worker.mjs"], cwd, env, ready: /^ready/ });
    return await driven(stage, { command: process.execPath, args: ["driver.mjs"], cwd, env });
  },
};
