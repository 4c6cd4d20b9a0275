import { lstatSync, unlinkSync } from "node:fs";
import type { Clock } from "../../foundation/clock.ts";
import type { Log } from "../../foundation/log.ts";
import type { User } from "../isolation/run-users.ts";
import { launch } from "../launcher/launched-tools.ts";
import type { Launcher, LaunchRequest } from "../launcher/launcher.ts";
import { type LeftFile, LeftFiles } from "./left-files.ts";
import { type LeftMemory, leftMemory } from "./left-memory.ts";

/** Where every user may write, and what is written outlives its process. */
const openPlaces = ["/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock"];
/** A program's arguments have room for more; they travel to the launcher. */
const wordsAtOnce = 500;
const removeMs = 60_000;
/** A directory may be closed to its own owner. What is asked of `ipcrm` comes before the paths. */
const remove = `while [ "\${1#-}" != "$1" ]; do ipcrm "$1" "$2"; shift 2; done
for path; do chmod -R u+rwx -- "$path"; rm -rf -- "$path"; done`;

export interface LeavingsParts {
  launcher: Launcher<LaunchRequest>;
  clock: Clock;
  log: Log;
  /** Other than the machine's. */
  places?: readonly string[];
}

/**
 * Removes what processes have left where every user may write, and in memory that outlives them. Their users do not come again: a script
 * that uses a name of its own in /tmp would be refused it from its second run on, and memory would never be given back.
 */
export class Leavings {
  readonly #parts: LeavingsParts;
  readonly #files: LeftFiles;

  constructor(parts: LeavingsParts) {
    this.#parts = parts;
    this.#files = new LeftFiles(parts.clock, parts.places ?? openPlaces);
  }

  /** Of a user whose last process is gone. Resolves when it is removed, as far as that can be done; what cannot is told in the log. */
  async removeOf({ uid }: User): Promise<void> {
    const memory = leftMemory().filter((one) => one.uid === uid);
    await this.#remove(uid, await this.#files.of(uid), memory);
  }

  /** Of all users that are nobody's any more: what a platform that was killed could not remove. */
  async removeOfAll(isLeft: (uid: number) => boolean): Promise<void> {
    const files = Map.groupBy(await this.#files.all(), ({ uid }) => uid);
    const memory = Map.groupBy(leftMemory(), ({ uid }) => uid);
    for (const uid of new Set([...files.keys(), ...memory.keys()])) {
      if (isLeft(uid)) await this.#remove(uid, files.get(uid) ?? [], memory.get(uid) ?? []);
    }
  }

  async #remove(uid: number, files: readonly LeftFile[], memory: readonly LeftMemory[]): Promise<void> {
    const paths = files.map(({ path }) => path).filter((path) => !isUnlinked(path));
    for (const words of [...inParts(memory.flatMap(({ words }) => words)), ...inParts(paths)]) {
      await this.#run({ uid, gid: uid }, words);
    }
    const kept = paths.filter(isThere);
    if (kept.length > 0)
      this.#parts.log.warn({ uid, paths: kept.slice(0, 5) }, "a run has left what cannot be removed");
  }

  /** By the user itself: wherever the content of a directory leads, no right of ours follows. */
  async #run(user: User, words: readonly string[]): Promise<void> {
    await launch(this.#parts.launcher, {
      command: "/bin/sh",
      args: ["-c", remove, "sh", ...words],
      cwd: "/",
      env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin" },
      user,
      outputCapBytes: 0,
      ttlMs: removeMs,
    });
  }
}

/** By us, since it leads nowhere else: where every user may write only its owner and root can put something else in its place. */
function isUnlinked(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function inParts(words: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(words.length / wordsAtOnce) }, (_, n) =>
    words.slice(n * wordsAtOnce, (n + 1) * wordsAtOnce),
  );
}
