import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { keyBytes } from "../config-store/envelopes.ts";
import { messageOf, PlatformError } from "../foundation/errors.ts";
import type { Random } from "../foundation/random.ts";

/** Where the key of secrets is kept when no setting gives one; readable by its owner alone. */
export function secretsKeyFile(dataDir: string): string {
  return path.join(dataDir, "secrets.key");
}

interface KeySettings {
  secretsKey?: string | undefined;
  dataDir: string;
}

/**
 * The keys of secrets: the setting's value, else those of the file that it names, else of the data
 * directory's. A file has one key in base64 a line; the first encrypts, the others still open what they
 * sealed. Without a file one is made where `mayMake`; else `corrupt`: something was sealed with a key that is gone.
 */
export function secretsKeys(settings: KeySettings, random: Random, mayMake: boolean): Uint8Array[] {
  const { secretsKey, dataDir } = settings;
  const given = secretsKey === undefined ? undefined : decode(secretsKey);
  if (given) return [given];
  const file = secretsKey ?? secretsKeyFile(dataDir);
  try {
    const found = readKeys(file);
    if (found) return found;
    if (secretsKey !== undefined) {
      throw new PlatformError(
        "invalid-input",
        // What was given may be a key with a letter too many: it is not shown.
        `the setting secretsKey is neither a key (${keyBytes} bytes in base64) nor the path of a file that is there`,
      );
    }
    if (mayMake) return [storeKey(file, random)];
  } catch (error) {
    if (error instanceof PlatformError) throw error;
    throw new PlatformError("invalid-input", `the key of secrets ${file} cannot be used: ${messageOf(error)}`);
  }
  throw new PlatformError(
    "corrupt",
    `the key of secrets is gone: put ${file} back, or give it by the setting secretsKey (FX_SECRETS_KEY). ` +
      "If it is lost for good, so are the secrets: move config.db away and start again; state comes back from the log, configuration and secrets must be set anew",
  );
}

function readKeys(file: string): Uint8Array[] | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  closeToOthers(file);
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const keys = lines.map((line) => decode(line.trim()));
  const wrong = keys.indexOf(undefined);
  if (keys.length > 0 && wrong < 0) return keys as Uint8Array[];
  const place = keys.length === 0 ? "it is empty" : `line ${wrong + 1} is none`;
  throw new PlatformError(
    "invalid-input",
    `${file} must hold keys of ${keyBytes} bytes in base64, one a line: ${place}`,
  );
}

/**
 * Rule S3: scripts run as other users and must not read it. A group's right is left where it cannot be
 * taken, as of a file that an orchestrator mounts read-only: scripts are in no group of the platform's.
 */
function closeToOthers(file: string): void {
  const { mode } = statSync(file);
  if ((mode & 0o077) === 0) return;
  try {
    chmodSync(file, 0o600);
  } catch (error) {
    if ((mode & 0o007) !== 0) throw error;
  }
}

function decode(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64");
  return bytes.length === keyBytes ? bytes : undefined;
}

function storeKey(file: string, random: Random): Uint8Array {
  const key = random.fill(new Uint8Array(keyBytes));
  const made = `${file}.new`;
  rmSync(made, { force: true });
  const handle = openSync(made, "wx", 0o600);
  try {
    writeSync(handle, `${Buffer.from(key).toString("base64")}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  try {
    // A link never replaces a key that something was sealed with.
    linkSync(made, file);
    return key;
  } finally {
    rmSync(made, { force: true });
  }
}
