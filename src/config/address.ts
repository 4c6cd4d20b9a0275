import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/** Where a platform that runs on a data directory says how it is reached: its own commands find it there, whatever port it was given. */
export function addressFile(dataDir: string): string {
  return path.join(dataDir, "address");
}

export function keepAddress(dataDir: string, url: string): void {
  writeFileSync(addressFile(dataDir), `${url}\n`, { mode: 0o600 });
}

export function forgetAddress(dataDir: string): void {
  rmSync(addressFile(dataDir), { force: true });
}

/** That of the platform that runs on the directory, or did when it was killed; undefined where none is to be read. */
export function readAddress(dataDir: string): string | undefined {
  try {
    return readFileSync(addressFile(dataDir), "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}
