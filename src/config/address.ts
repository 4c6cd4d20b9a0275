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
  try {
    const [url, pid] = readFileSync(addressFile(dataDir), "utf8").trim().split(" ");
    return isAlive(Number(pid)) ? url : undefined;
  } catch {
    return undefined;
  }
}
