import { chownSync, constants, existsSync, lstatSync, readdirSync } from "node:fs";
import { chmod, chown, copyFile, link, lstat, mkdir, readdir, realpath, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { PlatformError } from "../foundation/errors.ts";
import { sha256 } from "../foundation/hash.ts";
import type { VersionId } from "../foundation/ids.ts";
import { makeDirectory } from "../foundation/make-directory.ts";
import { isReachable } from "./isolation/reachable.ts";
import type { User } from "./isolation/run-users.ts";

/** The longest path that a unix socket's address holds, on the narrowest system (unix(7): 108 with the last NUL). */
const maxSocketPathBytes = 103;
const parts = ["versions", "slots", "lib", "bin"];
/** Ends the search of Node and Bun for what a service's files belong to: ours must not decide how theirs are read. */
const packageEnds = ["versions", "lib"].flatMap((name) => [join(name, "package.json"), join(name, "tsconfig.json")]);

/**
 * Where scripts live while they run: unpacked versions, their sockets, their scratch directories, and
 * a copy of what they need of ours. A script's user can pass through it, list nothing, and write only
 * to its own scratch directory. All of it can be made again; nothing in it is the only copy.
 */
export class RunRoot {
  /** Absolute, without links. */
  readonly path: string;
  /** Lies outside of the data directory, where nobody would look for it. */
  readonly #elsewhere: boolean;
  /** Scripts run as users of their own. */
  readonly #othersMustReach: boolean;
  /** Slots whose scratch directory was left as it was made. */
  readonly #clean = new Set<number>();

  private constructor(path: string, elsewhere: boolean, othersMustReach: boolean) {
    this.path = path;
    this.#elsewhere = elsewhere;
    this.#othersMustReach = othersMustReach;
  }

  /**
   * Opens `path`, else a directory inside `dataDirectory` where scripts can get there, else one of our
   * own under /var/tmp. `othersMustReach`: scripts run as users of their own.
   */
  static async open(options: {
    dataDirectory: string;
    path?: string | undefined;
    othersMustReach: boolean;
  }): Promise<RunRoot> {
    const inside = join(resolve(options.dataDirectory), "run");
    const wanted = options.path ?? (await defaultPath(inside, options.othersMustReach));
    await makeDirectory(dirname(wanted));
    await mkdir(wanted, { mode: 0o711 }).catch(ignoreExisting);
    // Before links are resolved: one that somebody else laid here must not lead us away.
    await assertOurs(wanted);
    await chmod(wanted, 0o711);
    const root = new RunRoot(
      await realpath(wanted),
      options.path === undefined && wanted !== inside,
      options.othersMustReach,
    );
    if (options.othersMustReach && !(await isReachable(root.path, "traverse"))) {
      throw new PlatformError(
        "invalid-input",
        `scripts run as users of their own and cannot get to '${root.path}'; choose a run directory whose parents have the mode 0711 or 0755`,
      );
    }
    await root.lay();
    await root.#removeCopies();
    return root;
  }

  /** Leaves nothing in the machine's temporary directories; inside the data directory it stays for a quicker start. */
  async close(): Promise<void> {
    if (this.#elsewhere) await rm(this.path, { recursive: true, force: true });
  }

  /** False when somebody took a part of it away, e.g. a tidy-up of temporary directories. */
  get isWhole(): boolean {
    return [...parts, ...packageEnds].every((name) => existsSync(join(this.path, name)));
  }

  /** Files that interpreters read on the way up from a script. */
  get packageEnds(): string[] {
    return packageEnds.map((name) => join(this.path, name));
  }

  /** Makes what is missing. */
  async lay(): Promise<void> {
    await mkdir(this.path, { mode: 0o711 }).catch(ignoreExisting);
    await assertOurs(this.path);
    for (const name of ["", ...parts]) {
      const directory = join(this.path, name);
      await mkdir(directory, { mode: 0o711 }).catch(ignoreExisting);
      await chmod(directory, 0o711);
    }
    await mkdir(this.zygoteDirectory, { mode: 0o700 }).catch(ignoreExisting);
    for (const file of this.packageEnds) await writeFile(file, "{}\n");
  }

  /** Closed to every script: who dials in there gives orders. */
  get zygoteDirectory(): string {
    return join(this.path, "z");
  }

  /** Where a version is unpacked: directories 0755, files 0644, owned by the executor's user. Not made here. */
  versionDirectory(version: VersionId): string {
    return join(this.path, "versions", version);
  }

  /** Empty, private to `owner`, for one process; what was there is gone. */
  async scratch(slot: number, owner: User | undefined): Promise<string> {
    const path = join(this.path, "slots", String(slot), "scratch");
    // Nobody has had it since it was looked at; who tidies up may have taken it away.
    if (owner && this.#clean.delete(slot) && isGivenTo(path, owner)) return path;
    if (!isAsMade(path)) {
      await this.#slot(slot);
      await rm(path, { recursive: true, force: true });
      await mkdir(path, { mode: 0o700 });
    }
    if (owner) chownSync(path, owner.uid, owner.gid);
    return path;
  }

  /** Most steps leave nothing there, and the next of the slot is given the directory as it is. */
  async clearScratch(slot: number): Promise<void> {
    const path = join(this.path, "slots", String(slot), "scratch");
    if (isAsMade(path)) this.#clean.add(slot);
    else await rm(path, { recursive: true, force: true });
  }

  /**
   * As `scratch`, for a process that goes on: the directory stays the one it was, because Landlock gives no right to another of
   * its name. Rejects with `unavailable` where it cannot be had as it was.
   */
  async emptyScratch(slot: number): Promise<void> {
    const path = join(this.path, "slots", String(slot), "scratch");
    if (isAsMade(path)) return;
    for (const name of await readdir(path)) await rm(join(path, name), { recursive: true, force: true });
    await chmod(path, 0o700);
    if (!isAsMade(path)) throw new PlatformError("unavailable", `'${path}' is not what it was any more`);
  }

  /** Where the steps of a replay have copies of databases, one step after the other. */
  copiesDirectory(slot: number): string {
    return join(this.path, "slots", String(slot), "copies");
  }

  /** Makes it where an earlier step of the replay has not. `group`: of SQL steps, where scripts have users of their own. */
  async layCopies(slot: number, group: number | undefined): Promise<void> {
    await this.#slot(slot);
    const path = this.copiesDirectory(slot);
    await mkdir(path, { mode: 0o700 }).catch(ignoreExisting);
    if (group === undefined) return;
    await chown(path, 0, group);
    await chmod(path, 0o2770);
  }

  async removeCopies(slot: number): Promise<void> {
    await rm(this.copiesDirectory(slot), { recursive: true, force: true });
  }

  /** Of a process that was killed before its replays ended. */
  async #removeCopies(): Promise<void> {
    for (const slot of await readdir(join(this.path, "slots"))) await this.removeCopies(Number(slot));
  }

  /**
   * A free address for the slot's channel (rule S2). Where scripts have users of their own all of them can pass to it, and the
   * socket's owner alone may dial: who that is changes with each run.
   */
  async channelPath(slot: number): Promise<string> {
    const directory = join(await this.#slot(slot), "c");
    await rm(directory, { recursive: true, force: true });
    // The script's user may pass through and dial, but neither remove the socket nor put another in its place:
    // the next script of this slot may be another service's.
    await mkdir(directory, { mode: this.#othersMustReach ? 0o711 : 0o700 });
    return join(directory, "s");
  }

  /** `path` itself where every user can run it, else a link to it or a copy in here. */
  async reachableExecutable(path: string): Promise<string> {
    if (await isReachable(path, "execute")) return path;
    const { size, mtimeMs } = await lstat(await realpath(path));
    const name = `${sha256(`${path}:${size}:${mtimeMs}`).slice(0, 16)}`;
    const target = join(this.path, "bin", name);
    if (await isReachable(target, "execute")) return target;
    const made = `${target}.new`;
    await rm(made, { force: true });
    await link(await realpath(path), made).catch(() => copyFile(path, made));
    if (!(await isReachable(made, "execute"))) {
      await rm(made, { force: true });
      await copyFile(path, made);
      await chmod(made, 0o755);
    }
    await rename(made, target);
    return target;
  }

  async #slot(slot: number): Promise<string> {
    const path = join(this.path, "slots", String(slot));
    await mkdir(path, { mode: 0o711 }).catch(ignoreExisting);
    await chmod(path, 0o711);
    return path;
  }
}

/** False where it is not there any more. */
function isGivenTo(path: string, { uid, gid }: User): boolean {
  try {
    chownSync(path, uid, gid);
    return true;
  } catch {
    return false;
  }
}

/** Synchronous, as what changes owners is: that costs a tenth of the way through the thread pool, on every step. */
function isAsMade(path: string): boolean {
  try {
    return lstatSync(path).mode === (constants.S_IFDIR | 0o700) && readdirSync(path).length === 0;
  } catch {
    return false;
  }
}

async function defaultPath(inside: string, othersMustReach: boolean): Promise<string> {
  const data = dirname(inside);
  const socket = join(inside, "slots", "99", "c", "s");
  const fits = Buffer.byteLength(socket) <= maxSocketPathBytes;
  await makeDirectory(data, 0o700);
  if (fits && (!othersMustReach || (await isReachable(await realpath(data), "traverse")))) return inside;
  const name = `streamzero-fx-${process.getuid?.() ?? 0}-${sha256(data).slice(0, 12)}`;
  return join((await isReachable("/var/tmp", "traverse")) ? "/var/tmp" : tmpdir(), name);
}

/** Under /var/tmp anybody may have made it first. */
async function assertOurs(path: string): Promise<void> {
  const found = await lstat(path);
  if (found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid)) return;
  throw new PlatformError(
    "conflict",
    `the run directory '${path}' is not a directory of this user; remove it or choose another`,
  );
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}
