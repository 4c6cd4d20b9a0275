import { chmodSync, closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import path from "node:path";
import { messageOf, PlatformError } from "../foundation/errors.ts";
import { type Random, randomToken } from "../foundation/random.ts";

/** Where the administrator's token is kept when no setting gives one; readable by its owner alone. */
export function tokenFile(dataDir: string): string {
  return path.join(dataDir, "token");
}

/**
 * The administrator's token: the setting's, else the stored one, else a new one that is stored with
 * mode 0600, whole or not at all. Throws `invalid-input` when the file cannot be read or made.
 */
export function administratorToken(settings: { token?: string | undefined; dataDir: string }, random: Random): string {
  if (settings.token !== undefined) return settings.token;
  const file = tokenFile(settings.dataDir);
  try {
    return readToken(file) ?? storeToken(file, randomToken(random));
  } catch (error) {
    if (error instanceof PlatformError) throw error;
    throw new PlatformError("invalid-input", `the token file ${file} cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function readToken(file: string): string | undefined {
  let token: string;
  try {
    token = readFileSync(file, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  if (token === "")
    throw new PlatformError("invalid-input", `the token file ${file} is empty: remove it to get a new one`);
  // A restored backup or a careless copy may have opened it.
  chmodSync(file, 0o600);
  return token;
}

function storeToken(file: string, token: string): string {
  const made = `${file}.new`;
  rmSync(made, { force: true });
  const handle = openSync(made, "wx", 0o600);
  try {
    writeSync(handle, `${token}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  try {
    // A link never replaces a token that somebody has already been given.
    linkSync(made, file);
    return token;
  } finally {
    rmSync(made, { force: true });
  }
}
