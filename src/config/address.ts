import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isAlive } from "../foundation/is-alive.ts";

/**
 * Where a platform that runs on a data directory says how it is reached, and which process it is: its own commands find it there, whatever
 * port it was given.
 */
function addressFile(dataDir: string): string {
  return path.join(dataDir, "address");
}

export function keepAddress(dataDir: string, url: string): void {
  writeFileSync(addressFile(dataDir), `${url} ${process.pid}\n`, { mode: 0o600 });
}

export function forgetAddress(dataDir: string): void {
  rmSync(addressFile(dataDir), { force: true });
}

/** Undefined where none is to be read, and of a platform that was killed: its port may be another's by now, which is not to see our token. */
export function readAddress(dataDir: string): string | undefined {
  const told = read(dataDir);
  return told && isAlive(told.pid) ? told.url : undefined;
}

/** What a platform that was killed has left there: which process it was, and where. */
export function readFallen(dataDir: string): { pid: number; url: string } | undefined {
  const told = read(dataDir);
  return told && !isAlive(told.pid) ? told : undefined;
}

function read(dataDir: string): { pid: number; url: string } | undefined {
  try {
    const [url = "", pid] = readFileSync(addressFile(dataDir), "utf8").trim().split(" ");
    return { url, pid: Number(pid) };
  } catch {
    return undefined;
  }
}
