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

/**
 * What a platform has left there; undefined where none is to be read. Where it was killed nobody is to go there: its port may be another's
 * by now, which is not to see our token.
 */
export function readAddress(dataDir: string): { url: string; pid: number; isAlive: boolean } | undefined {
  try {
    const [url = "", id] = readFileSync(addressFile(dataDir), "utf8").trim().split(" ");
    const pid = Number(id);
    return { url, pid, isAlive: isAlive(pid) };
  } catch {
    return undefined;
  }
}
