import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Programs of engines, outside the tree. Each entry is whole or not there, also when several bring it at once. */
export class Cache {
  readonly #root: string;
  readonly #tell: (line: string) => void;

  constructor(root: string, tell: (line: string) => void) {
    this.#root = root;
    this.#tell = tell;
  }

  /** The directory `name`, such as "kafka-4.1.0"; `make` fills it where it is not there yet. */
  async directory(name: string, make: (directory: string) => Promise<void>): Promise<string> {
    const directory = path.join(this.#root, name);
    if (existsSync(directory)) return directory;
    this.#tell(`bringing ${name} into ${this.#root}`);
    mkdirSync(this.#root, { recursive: true });
    const fresh = mkdtempSync(path.join(this.#root, `.${name}-`));
    try {
      await make(fresh);
      renameSync(fresh, directory);
    } catch (error) {
      rmSync(fresh, { recursive: true, force: true });
      // Somebody else was first.
      if (!existsSync(directory)) throw error;
    }
    return directory;
  }
}

/** `FX_ENGINES_CACHE`, else below the user's cache. */
export function cacheRoot(): string {
  return process.env.FX_ENGINES_CACHE ?? path.join(os.homedir(), ".cache/streamzero-fx/engines");
}

/** What a command printed. Rejects with the last words of one that fails. */
export async function tool(
  command: string,
  args: readonly string[],
  { cwd, env, uid, gid }: { cwd?: string; env?: Record<string, string>; uid?: number; gid?: number } = {},
): Promise<string> {
  try {
    const options = { cwd, env: { ...process.env, ...env }, uid, gid, maxBuffer: 2 ** 28 };
    return (await run(command, args, options)).stdout.trim();
  } catch (error) {
    const { stdout = "", stderr = "", message } = error as Error & { stdout?: string; stderr?: string };
    const said = stderr.trim() || stdout.trim() || message;
    throw new Error(`${[command, ...args].join(" ")}: ${said.slice(-1500)}`);
  }
}
