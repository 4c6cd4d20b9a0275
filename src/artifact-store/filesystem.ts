import { statSync, unlinkSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../foundation/clock.ts";
import { messageOf, PlatformError } from "../foundation/errors.ts";
import { sha256 } from "../foundation/hash.ts";
import { requireArtifactHash } from "./artifact-hash.ts";
import type { ArtifactStore } from "./artifact-store.ts";

export interface FilesystemArtifactStoreOptions {
  /** Made when missing, readable by its owner only. */
  directory: string;
  clock: Clock;
}

/**
 * Objects as files, `objects/ab/<hash>`. An object appears whole or not at all: it is written
 * aside, synced, renamed, and the directory synced. What is read is compared with its name.
 */
export class FilesystemArtifactStore implements ArtifactStore {
  readonly #objects: string;
  readonly #aside: string;
  readonly #clock: Clock;
  #written = 0;

  private constructor({ directory, clock }: FilesystemArtifactStoreOptions) {
    this.#objects = join(directory, "objects");
    this.#aside = join(directory, "aside");
    this.#clock = clock;
  }

  static async open(options: FilesystemArtifactStoreOptions): Promise<FilesystemArtifactStore> {
    const store = new FilesystemArtifactStore(options);
    await translated(async () => {
      for (const path of [options.directory, store.#objects, store.#aside]) {
        await mkdir(path, { recursive: true, mode: 0o700 });
      }
      await syncDirectory(options.directory);
    });
    return store;
  }

  put(content: Uint8Array): Promise<string> {
    return translated(async () => {
      const hash = sha256(content);
      if (!(await this.#renew(hash, content.length))) await this.#write(hash, content);
      return hash;
    });
  }

  async get(hash: string): Promise<Uint8Array> {
    const path = this.#pathOf(hash);
    const content = await translated(() =>
      readFile(path).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
        throw new PlatformError("not-found", `there is no artifact ${hash}`);
      }),
    );
    const found = sha256(content);
    if (found === hash) return content;
    throw new PlatformError(
      "corrupt",
      `the artifact ${hash} has changed on the disk: its ${content.length} bytes hash to ${found}; store it again to mend it`,
    );
  }

  async has(hash: string): Promise<boolean> {
    const path = this.#pathOf(hash);
    return translated(() =>
      stat(path).then(
        () => true,
        (error: unknown) => {
          if (isMissing(error)) return false;
          throw error;
        },
      ),
    );
  }

  sweep(keep: ReadonlySet<string>, graceMs: number): Promise<number> {
    return translated(async () => {
      const cutoff = this.#clock.now() - graceMs;
      let swept = 0;
      for (const prefix of await readdir(this.#objects)) {
        const folder = join(this.#objects, prefix);
        for (const hash of await readdir(folder)) {
          if (!keep.has(hash) && deleteOlder(join(folder, hash), cutoff)) swept += 1;
        }
      }
      // What a crash left half-written.
      for (const name of await readdir(this.#aside)) deleteOlder(join(this.#aside, name), cutoff);
      return swept;
    });
  }

  async close(): Promise<void> {}

  #pathOf(hash: string): string {
    requireArtifactHash(hash);
    return join(this.#objects, hash.slice(0, 2), hash);
  }

  /** Makes a stored object young again, so that a sweep leaves it to its new user. False when it must be written. */
  async #renew(hash: string, sizeBytes: number): Promise<boolean> {
    const path = this.#pathOf(hash);
    try {
      const seconds = this.#clock.now() / 1000;
      await utimes(path, seconds, seconds);
      const content = (await stat(path)).size === sizeBytes ? await readFile(path) : undefined;
      // A damaged object is mended by storing it again.
      return content !== undefined && sha256(content) === hash;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async #write(hash: string, content: Uint8Array): Promise<void> {
    this.#written += 1;
    const aside = join(this.#aside, `${hash}.${process.pid}.${this.#written}`);
    const folder = join(this.#objects, hash.slice(0, 2));
    try {
      await withFile(aside, "w", async (file) => {
        await file.writeFile(content);
        const seconds = this.#clock.now() / 1000;
        await file.utimes(seconds, seconds);
        await file.sync();
      });
      if (await mkdir(folder, { recursive: true, mode: 0o700 })) await syncDirectory(this.#objects);
      await rename(aside, this.#pathOf(hash));
    } catch (error) {
      await rm(aside, { force: true });
      throw error;
    }
    await syncDirectory(folder);
  }
}

async function withFile(path: string, flags: string, work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

/** A rename is durable only once its directory is. */
function syncDirectory(path: string): Promise<void> {
  return withFile(path, "r", (directory) => directory.sync());
}

/** In one step of the event loop, so that no `put` can renew the object in between. */
function deleteOlder(path: string, cutoff: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.mtimeMs > cutoff) return false;
  unlinkSync(path);
  return true;
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === "ENOENT";
}

async function translated<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (typeof (error as NodeJS.ErrnoException | null)?.code !== "string" || error instanceof PlatformError)
      throw error;
    throw new PlatformError("unavailable", `the artifact store's disk: ${messageOf(error)}`, { cause: error });
  }
}
