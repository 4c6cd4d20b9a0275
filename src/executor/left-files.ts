import { spawn } from "node:child_process";
import { lstatSync, readdirSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../foundation/clock.ts";
import type { User } from "./isolation/run-users.ts";

/** Where every user may write, and what is written outlives its process. */
const openPlaces = ["/tmp", "/var/tmp", "/dev/shm"];
/** The kernel tells the time of a change to a few milliseconds: what is no older may have changed again since. */
const roundingMs = 50;
/** Looking through more at the end of each run that writes there would hold up all others. */
const mostEntries = 2_000;

interface Look {
  /** When it was begun, and the change of the directory that it found, in milliseconds since 1970. */
  at: number;
  changedAt: number;
  /** Of all that was there. */
  owners: ReadonlySet<number>;
}

/**
 * Removes the files that a process has left where every user may write. Its user does not come again, so that a script which
 * uses a name of its own in /tmp would be refused it from its second run on.
 */
export class LeftFiles {
  readonly #clock: Clock;
  readonly #places: readonly string[];
  readonly #looks = new Map<string, Look>();

  /** `places`: other than the machine's. */
  constructor(clock: Clock, places = openPlaces) {
    this.#clock = clock;
    this.#places = places;
  }

  /** Of a user whose last process is gone. Resolves when they are removed, as far as they can be. */
  async remove(user: User): Promise<void> {
    for (const place of this.#places) for (const path of this.#filesOf(user, place)) await removeAs(user, path);
  }

  /** Costs no more than asking for the directory's time while nothing of the user's was written there. */
  #filesOf({ uid }: User, place: string): string[] {
    const at = this.#clock.now();
    const changedAt = statSync(place, { throwIfNoEntry: false })?.mtimeMs;
    const last = this.#looks.get(place);
    if (changedAt === undefined) return [];
    const isAsFound = last?.changedAt === changedAt && changedAt < last.at - roundingMs;
    if (isAsFound && !last.owners.has(uid)) return [];
    const found = new Map(readEntries(place).map((path) => [path, ownerOf(path)]));
    this.#looks.set(place, { at, changedAt, owners: new Set(found.values().filter((owner) => owner !== undefined)) });
    return [...found].filter(([, owner]) => owner === uid).map(([path]) => path);
  }
}

function readEntries(place: string): string[] {
  try {
    const names = readdirSync(place);
    return names.length > mostEntries ? [] : names.map((name) => join(place, name));
  } catch {
    return [];
  }
}

function ownerOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.uid;
}

/** A directory by the user itself: wherever its content leads, no right of ours follows. */
async function removeAs({ uid, gid }: User, path: string): Promise<void> {
  if (tryUnlink(path)) return;
  const program = spawn("/bin/rm", ["-rf", "--", path], { uid, gid, stdio: "ignore", cwd: "/", env: {} });
  await new Promise<void>((resolve) => {
    program.on("error", () => resolve());
    program.on("close", () => resolve());
  });
}

/** Only its owner and root can put something else in its place: such directories are sticky. */
function tryUnlink(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}
