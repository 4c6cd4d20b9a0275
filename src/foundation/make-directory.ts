import { existsSync, mkdirSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { messageOf, PlatformError } from "./errors.ts";

/**
 * Makes a directory with those above it that are missing, each with `mode`. Node's own way of doing so never ends where a directory
 * that is there takes no other one, as /proc, and nothing stops it, no signal either. Throws `invalid-input` where it cannot be.
 */
export async function makeDirectory(path: string, mode = 0o777): Promise<void> {
  for (const directory of missingOf(path)) {
    try {
      await mkdir(directory, { mode });
    } catch (error) {
      passIfThere(error, path, directory);
    }
  }
  assertDirectory(path);
}

/** As `makeDirectory`, for what is made before anything else happens. */
export function makeDirectorySync(path: string, mode = 0o777): void {
  for (const directory of missingOf(path)) {
    try {
      mkdirSync(directory, { mode });
    } catch (error) {
      passIfThere(error, path, directory);
    }
  }
  assertDirectory(path);
}

/** The outermost first. */
function missingOf(path: string): string[] {
  const missing: string[] = [];
  for (let directory = resolve(path); !existsSync(directory); directory = dirname(directory)) {
    missing.unshift(directory);
    if (directory === dirname(directory)) break;
  }
  return missing;
}

/** Another process may have made it meanwhile. */
function passIfThere(error: unknown, path: string, directory: string): void {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EEXIST") return;
  const why = code === "ENOENT" ? `'${dirname(directory)}' takes no directories` : messageOf(error);
  throw new PlatformError("invalid-input", `the directory '${path}' cannot be made: ${why}`, { cause: error });
}

function assertDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new PlatformError("invalid-input", `'${path}' is no directory`);
}
