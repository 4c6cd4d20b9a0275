import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import { type Cache, tool } from "./cache.ts";
import type { Engine, ServerPlace } from "./engine.ts";
import { serverUser } from "./server-user.ts";

/** What Debian 12 has, and the oldest that the platform runs on. */
const release = "15";
const password = "engines";

/** From Debian's package: the one that is installed, else unpacked without being installed. */
export const postgres: Engine = {
  name: "postgres",
  title: `PostgreSQL ${release}`,
  portsEach: 1,
  // At SIGTERM it waits for its clients to leave.
  stopSignal: "SIGINT",

  async install(cache: Cache) {
    const installed = `/usr/lib/postgresql/${release}`;
    if (existsSync(path.join(installed, "bin/postgres"))) return installed;
    const unpacked = await cache.directory(`postgresql-${release}`, async (directory) => {
      await tool("apt-get", ["download", `postgresql-${release}`], { cwd: directory });
      const [archive] = readdirSync(directory).filter((name) => name.endsWith(".deb"));
      await tool("dpkg", ["-x", path.join(directory, archive as string), directory]);
      await tool(path.join(directory, installed, "bin/postgres"), ["--version"]);
      for (const part of ["", "usr", "usr/lib", "usr/share"]) chmodSync(path.join(directory, part), 0o755);
    });
    return path.join(unpacked, installed);
  },

  async prepare({ programs, directory, ports }) {
    const user = serverUser("PostgreSQL");
    const data = path.join(directory, "data");
    if (!existsSync(path.join(data, "PG_VERSION"))) {
      mkdirSync(data, { recursive: true, mode: 0o700 });
      const passwordFile = path.join(directory, "password");
      writeFileSync(passwordFile, password);
      if (user) {
        chmodSync(directory, 0o755);
        chownSync(data, user.uid, user.gid);
      }
      const initdb = [
        "-D",
        data,
        "-U",
        "fx",
        "-A",
        "scram-sha-256",
        `--pwfile=${passwordFile}`,
        "-E",
        "UTF8",
        "--locale=C",
      ];
      await tool(path.join(programs, "bin/initdb"), initdb, { cwd: directory, ...user });
    }
    const settings = [
      `port=${ports[0]}`,
      "listen_addresses=127.0.0.1",
      "unix_socket_directories=",
      "max_connections=300",
    ];
    const args = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
    return { command: path.join(programs, "bin/postgres"), args, ...(user && { user }) };
  },

  async answers(server) {
    const client = new pg.Client({ connectionString: urlOf(server) });
    client.on("error", () => {});
    try {
      await client.connect();
      return true;
    } finally {
      await client.end().catch(() => {});
    }
  },

  environment(all) {
    return { FX_CATALOG_DRIVER: "postgres", FX_CATALOG_URL: urlOf(all[0] as ServerPlace) };
  },
};

function urlOf({ ports }: ServerPlace): string {
  return `postgres://fx:${password}@127.0.0.1:${ports[0]}/postgres`;
}
