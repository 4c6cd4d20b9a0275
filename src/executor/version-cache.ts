import { existsSync } from "node:fs";
import { chmod, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { ArtifactStore } from "../artifact-store/artifact-store.ts";
import type { ServiceStore } from "../catalog/services.ts";
import { PlatformError } from "../foundation/errors.ts";
import { sha256 } from "../foundation/hash.ts";
import type { VersionId } from "../foundation/ids.ts";
import { elsewhereOf } from "../services/elsewhere.ts";
import type { ServiceFile, ServiceVersion } from "../services/service.ts";
import type { EnvironmentLanguage, Environments } from "./environments/environments.ts";
import { linkModules } from "./environments/link-modules.ts";
import type { OpenedVersion, VersionSource } from "./version-source.ts";

export interface VersionCacheParts {
  services: Pick<ServiceStore, "version">;
  artifacts: ArtifactStore;
  /** Where the unpacked files of a version lie; scripts must be able to read below it. */
  directoryOf(version: VersionId): string;
  environments: Pick<Environments, "open">;
  /** Makes an unpacked version quicker to start. */
  compile?(version: ServiceVersion, directory: string): Promise<void>;
  /** The language of a script whose packages can be installed. */
  languageOf(script: string): EnvironmentLanguage | undefined;
}

/** `files`: absolute paths. */
type Unpacked = OpenedVersion & { files: string[] };

/**
 * Unpacks each service version once, files and folders read-only for scripts. A folder appears
 * whole, by a rename; one that an earlier start left is taken only when every file has its hash,
 * since a power cut can leave names without content. What is removed while the platform runs is
 * unpacked again.
 */
export class VersionCache implements VersionSource {
  readonly #parts: VersionCacheParts;
  readonly #opened = new Map<VersionId, Promise<Unpacked>>();

  constructor(parts: VersionCacheParts) {
    this.#parts = parts;
  }

  async open(id: VersionId): Promise<OpenedVersion> {
    const known = this.#opened.get(id);
    if (known === undefined) return this.#unpackOnce(id);
    const unpacked = await known;
    if (unpacked.files.every((file) => existsSync(file))) return unpacked;
    // Tidied away since, which is no failure of the script's: the first that sees it unpacks it again, for all.
    return this.#opened.get(id) === known ? this.#unpackOnce(id) : this.open(id);
  }

  #unpackOnce(id: VersionId): Promise<Unpacked> {
    const opened = this.#open(id);
    this.#opened.set(id, opened);
    // What failed once may succeed later.
    opened.catch(() => this.#opened.delete(id));
    return opened;
  }

  async #open(id: VersionId): Promise<Unpacked> {
    const version = await this.#parts.services.version(id);
    if (version === undefined) throw new PlatformError("not-found", `service version ${id} does not exist any more`);
    const directory = this.#parts.directoryOf(id);
    if (!(await isIntact(directory, version.files))) {
      await rm(directory, { recursive: true, force: true });
      await this.#unpack(version, directory);
    }
    await this.#parts.compile?.(version, directory);
    const files = version.files.map(({ path: name }) => path.join(directory, name));
    const environment = this.#environmentOf(version, directory);
    return { directory, manifest: version.manifest, scripts: version.scripts, files, environment };
  }

  #environmentOf(version: ServiceVersion, directory: string): NonNullable<OpenedVersion["environment"]> {
    const { environments, languageOf } = this.#parts;
    const read = (name: string) => readFile(path.join(directory, name));
    const request = { version: version.id, manifest: version.manifest, files: version.files, read };
    return async (script, told) => {
      const language = elsewhereOf(version.manifest, script) === undefined ? languageOf(script) : undefined;
      const environment = language && (await environments.open(request, language, told));
      if (environment?.nodeModules) await linkModules(directory, environment.nodeModules);
      return environment;
    };
  }

  async #unpack(version: ServiceVersion, directory: string): Promise<void> {
    const partial = `${directory}.partial`;
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    await chmod(partial, 0o755);
    for (const { path: name, hash } of version.files) {
      const target = path.join(partial, name);
      await makeFolders(partial, path.dirname(name));
      await writeReadOnly(target, await this.#parts.artifacts.get(hash));
    }
    await rename(partial, directory);
  }
}

/** The process's umask must not decide what scripts can read. */
async function makeFolders(root: string, relative: string): Promise<void> {
  let folder = root;
  for (const part of relative.split("/")) {
    if (part === "." || part === "") continue;
    folder = path.join(folder, part);
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
  }
}

async function writeReadOnly(target: string, content: Uint8Array): Promise<void> {
  const file = await open(target, "wx", 0o644);
  try {
    await file.writeFile(content);
    await file.chmod(0o644);
  } finally {
    await file.close();
  }
}

async function isIntact(directory: string, files: readonly ServiceFile[]): Promise<boolean> {
  try {
    for (const { path: name, hash } of files) {
      if (sha256(await readFile(path.join(directory, name))) !== hash) return false;
    }
    return files.length > 0;
  } catch {
    return false;
  }
}
