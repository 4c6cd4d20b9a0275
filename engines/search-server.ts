import { chownSync, cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { ServerPlace } from "./engine.ts";
import { serverUser } from "./server-user.ts";

/** Settings of one server that is a cluster by itself, as both distributions name them. */
export function settingsOf({ ports, directory }: ServerPlace): Record<string, string | number | boolean> {
  return {
    "cluster.name": "fx-engines",
    "node.name": "fx-0",
    "network.host": "127.0.0.1",
    "http.port": ports[0] as number,
    "transport.port": ports[1] as number,
    "discovery.type": "single-node",
    "path.data": path.join(directory, "data"),
    "path.logs": path.join(directory, "logs"),
    "node.processors": 2,
    // Every test has indices of its own.
    "cluster.max_shards_per_node": 10_000,
    // A disk that others fill must not make it refuse to write.
    "cluster.routing.allocation.disk.threshold_enabled": false,
  };
}

/**
 * Lays the programs into the server's directory, since the user it runs as may not enter the cache, with its configuration;
 * `files` are more of it. Answers where they are, and that user.
 */
export function layDown(
  server: ServerPlace,
  { title, settings, files = {} }: { title: string; settings: object; files?: Record<string, string> },
): { home: string; user?: { uid: number; gid: number } } {
  const { programs, directory } = server;
  const home = path.join(directory, "home");
  if (!existsSync(home)) {
    const [unpacked] = readdirSync(programs);
    cpSync(path.join(programs, unpacked as string), home, { recursive: true });
  }
  const [name] = readdirSync(path.join(home, "config")).filter((file) => file.endsWith("search.yml"));
  const lines = Object.entries(settings).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  for (const [file, text] of Object.entries({ ...files, [name as string]: lines.join("") })) {
    writeFileSync(path.join(home, "config", file), text);
  }
  const own = ["data", "logs", "tmp"].map((part) => path.join(directory, part));
  for (const part of own) mkdirSync(part, { recursive: true });
  const user = serverUser(title);
  if (user === undefined) return { home };
  const config = path.join(home, "config");
  const written = readdirSync(config, { recursive: true, encoding: "utf8" }).map((file) => path.join(config, file));
  for (const owned of [...own, config, ...written]) chownSync(owned, user.uid, user.gid);
  return { home, user };
}

/** Works, not only listens. */
export async function clusterAnswers(url: string): Promise<boolean> {
  const { origin, username, password } = new URL(url);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const response = await fetch(`${origin}/_cluster/health`, {
    headers: username === "" ? {} : { authorization },
    signal: AbortSignal.timeout(2000),
  });
  const { status } = (await response.json()) as { status?: string };
  return response.ok && (status === "green" || status === "yellow");
}
