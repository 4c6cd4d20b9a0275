import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { messageOf, PlatformError } from "../foundation/errors.ts";
import { readAddress } from "./address.ts";

/** What a client on the command line may say about where the platform is. */
export interface ConnectionFlags {
  url?: string | undefined;
  tokenFile?: string | undefined;
  dataDir?: string | undefined;
}

export interface Connection {
  url: string;
  token: string | undefined;
  /** Where the token came from, for people. */
  tokenFrom: string;
  dataDir: string;
  /** The platform of the data directory, where it was killed and nothing else says where one is. */
  fallen?: { pid: number; url: string } | undefined;
}

interface Surroundings {
  environment: Record<string, string | undefined>;
  directory: string;
}

/**
 * Where the platform is, and what opens it: flags before the environment, that before
 * `fx.config.json` of the directory, that before the defaults. On the machine of the platform its address and the
 * administrator's token are found in its data directory; the address that it has told wins over the host and port that a file
 * would have it take. Throws `invalid-input` for files that cannot be read.
 */
export function findConnection(
  flags: ConnectionFlags,
  { environment, directory }: Surroundings = { environment: process.env, directory: process.cwd() },
): Connection {
  const file = readConfigFile(join(directory, "fx.config.json"));
  const setting = (variable: string, key: string) => environment[variable] ?? text(file[key]);
  const dataDir = resolve(directory, flags.dataDir ?? setting("FX_DATA_DIR", "dataDir") ?? ".fx");
  const asked = environment.FX_HOST !== undefined || environment.FX_PORT !== undefined;
  const told = asked ? undefined : readAddress(dataDir);
  const host = reachableHost(setting("FX_HOST", "host") ?? "127.0.0.1");
  const given = flags.url ?? setting("FX_URL", "url");
  const url =
    given ?? (told?.isAlive ? told.url : undefined) ?? `http://${host}:${setting("FX_PORT", "port") ?? "8080"}`;
  if (!/^https?:\/\/[^/\s]+/.test(url)) {
    throw new PlatformError(
      "invalid-input",
      `"${url}" is not the address of a platform: http://127.0.0.1:8080 would be`,
    );
  }
  const fallen = given === undefined && told?.isAlive === false ? { pid: told.pid, url: told.url } : undefined;
  return { url, dataDir, fallen, ...findToken(flags, environment.FX_TOKEN, dataDir, directory) };
}

function findToken(flags: ConnectionFlags, fromEnvironment: string | undefined, dataDir: string, directory: string) {
  if (flags.tokenFile !== undefined) {
    const path = resolve(directory, flags.tokenFile);
    return { token: readToken(path), tokenFrom: path };
  }
  if (fromEnvironment) return { token: fromEnvironment, tokenFrom: "FX_TOKEN" };
  const stored = join(dataDir, "token");
  if (existsSync(stored) && statSync(stored).isFile()) return { token: readToken(stored), tokenFrom: stored };
  return { token: undefined, tokenFrom: `nowhere: neither --token-file, nor FX_TOKEN, nor ${stored}` };
}

function readToken(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new PlatformError("invalid-input", `the token cannot be read from ${path}: ${messageOf(error)}`);
  }
}

function readConfigFile(path: string): Record<string, unknown> {
  if (!existsSync(path)) return {};
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    return value !== null && typeof value === "object" ? (value as Record<string, unknown>) : {};
  } catch (error) {
    throw new PlatformError("invalid-input", `${path} is not JSON: ${messageOf(error)}`);
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

/** A server that listens everywhere is reached at loopback from its own machine. */
function reachableHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
