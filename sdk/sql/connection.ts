import { lstatSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import type { Database } from "./database.ts";
import { SqlProblem } from "./problem.ts";
import type { Dialect } from "./sql-statements.ts";

const directive = /^\s*--\s*connection:\s*(\S+)\s*$/;
const fileName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

/** The name in a first line `-- connection: NAME`. */
export function connectionOf(source: string): string | undefined {
  return directive.exec(source.split(/\r?\n/, 1)[0] ?? "")?.[1];
}

export interface Address {
  dialect: Dialect;
  /** A path, or an address with credentials: for no message. */
  target: string;
}

export interface Places {
  /** The databases of the script's project. */
  directory: string;
  /** The platform's own files. */
  hidden: string;
}

/** Reads the value of the secret `name`. No message quotes it. */
export function addressOf(name: string, value: unknown, { directory, hidden }: Places): Address {
  const wrong = (message: string) => new SqlProblem(1, `the secret '${name}' ${message}`);
  if (typeof value !== "string") throw wrong("is no text; it must hold the address of a database");
  if (/^postgres(ql)?:\/\//.test(value)) return { dialect: "postgres", target: value };
  if (!value.startsWith("sqlite:")) throw wrong("must begin with postgres:// or sqlite:");
  const path = value.slice("sqlite:".length);
  if (fileName.test(path)) return { dialect: "sqlite", target: join(directory, `${path}.db`) };
  if (!isAbsolute(path)) throw wrong("names a file that is neither a plain name nor an absolute path");
  const target = realFile(resolve(path));
  if (target === undefined) throw wrong("names a file whose directory is not there, or a link that leads nowhere");
  if (hidden !== "" && [hidden, realFile(hidden) ?? hidden].some((place) => isWithin(place, target)))
    throw wrong("names a file of the platform's own");
  return { dialect: "sqlite", target };
}

/** Where a path leads once links are followed; the file itself need not be there. Undefined: nowhere. */
function realFile(path: string): string | undefined {
  try {
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return realpathSync(path);
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return undefined;
  }
}

function isWithin(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way !== ".." && !way.startsWith(`..${sep}`);
}

/** Only the client that is asked for is loaded: each costs a start some milliseconds. */
export async function openDatabase({ dialect, target }: Address, statementMs: number): Promise<Database> {
  if (dialect === "sqlite") return (await import("./sqlite.ts")).openSqlite(target);
  return (await import("./postgres.ts")).openPostgres(target, statementMs);
}

/** `message` without what the address holds. */
export function withoutCredentials(message: string, { dialect, target }: Address): string {
  if (dialect === "sqlite") return message;
  const parts = [target];
  try {
    const { password, username, searchParams } = new URL(target);
    const query = searchParams.get("password") ?? "";
    parts.push(password, decodeURIComponent(password), query, username.length > 3 ? `${username}:` : "");
  } catch {}
  return parts.filter(Boolean).reduce((text, part) => text.replaceAll(part, "[hidden]"), message);
}
