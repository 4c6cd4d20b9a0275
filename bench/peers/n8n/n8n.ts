import { cpSync, existsSync } from "node:fs";
import path from "node:path";
import { freePort } from "../../../engines/free-ports.ts";
import { nodeReleases } from "../../../scripts/setup/node-releases.mjs";
import type { Peer } from "../peer.ts";
import { cacheOf, layFiles, nodePackages, tool } from "../support/cache.ts";
import { driven } from "../support/driven.ts";

/** The newest Node that it runs on. */
const nodeVersion = "24.21.0";
const nodePackage = nodeReleases[nodeVersion]?.[`${process.platform}-${process.arch}`]?.name ?? "node";

const settings = {
  N8N_LISTEN_ADDRESS: "127.0.0.1",
  N8N_DIAGNOSTICS_ENABLED: "false",
  N8N_VERSION_NOTIFICATIONS_ENABLED: "false",
  N8N_TEMPLATES_ENABLED: "false",
  N8N_PERSONALIZATION_ENABLED: "false",
  N8N_ENFORCE_SETTINGS_FILE_PERMISSIONS: "false",
  // So that what a job prints is seen.
  CODE_ENABLE_STDOUT: "true",
};

export const n8n: Peer = {
  name: "n8n",
  title: "n8n, webhooks (JavaScript)",
  traits: {
    isolation: "a context each, in one process",
    durable: "no: it answers, and saves, at the end",
    kept: "what each step returns",
    ui: "yes",
  },
  burstJobs: 200,
  install: async () => {
    // The newest whose packages the registry has; but for one that comes from a place of its own, and an older version of it does.
    const versions = await nodePackages("n8n", { n8n: "2.8.4", [nodePackage]: nodeVersion }, { xlsx: "0.18.5" });
    await buildDriver();
    await prepare();
    return versions;
  },
  start: async (stage) => {
    const port = await freePort();
    const cwd = layFiles("n8n");
    const folder = path.join(stage.directory, "n8n");
    cpSync(path.join(cwd, "prepared"), folder, { recursive: true });
    await stage.run({
      command: node(),
      args: [program(), "start"],
      cwd,
      env: {
        ...settings,
        N8N_USER_FOLDER: folder,
        N8N_PORT: `${port}`,
        N8N_RUNNERS_BROKER_PORT: `${await freePort()}`,
      },
      ready: /Editor is now accessible/,
    });
    const env = { URL: `http://127.0.0.1:${port}/webhook` };
    return await driven(stage, { command: process.execPath, args: ["over-http.mjs"], cwd, env });
  },
};

function node(): string {
  return path.join(cacheOf("n8n"), "node_modules", nodePackage, "bin/node");
}

function program(): string {
  return path.join(cacheOf("n8n"), "node_modules/n8n/bin/n8n");
}

/** Its scripts of installing would fetch a build of the SQLite driver from elsewhere; so it is made from its source. */
async function buildDriver(): Promise<void> {
  const driver = path.join(cacheOf("n8n"), "node_modules/sqlite3");
  if (existsSync(path.join(driver, "build/Release/node_sqlite3.node"))) return;
  const headers = path.join(path.dirname(process.execPath), "..");
  await tool("npx", ["--yes", "node-gyp", "rebuild", `--nodedir=${headers}`], driver);
}

/** An instance that has the workflows, active; each round begins with a copy. */
async function prepare(): Promise<void> {
  const cwd = layFiles("n8n");
  const prepared = path.join(cwd, "prepared");
  if (existsSync(path.join(prepared, "done"))) return;
  const env = { ...settings, N8N_USER_FOLDER: prepared };
  await tool(node(), [program(), "import:workflow", "--input=workflows.json"], cwd, env);
  for (const id of ["benchjob", "benchflow"]) {
    await tool(node(), [program(), "publish:workflow", `--id=${id}`], cwd, env);
  }
  cpSync(path.join(cwd, "workflows.json"), path.join(prepared, "done"));
}
