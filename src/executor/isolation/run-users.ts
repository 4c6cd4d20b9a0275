import { lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, PlatformError } from "../../foundation/errors.ts";
import { tryFileLock } from "../../foundation/file-lock.ts";
import type { Random } from "../../foundation/random.ts";
import { killStrays } from "../launcher/strays.ts";
import { StoredTurn } from "./stored-turn.ts";

export interface User {
  uid: number;
  gid: number;
}

/** User ids of one kind of machine, and how many of them are locked together. */
interface Space {
  first: number;
  last: number;
  cell: number;
  /** Cells that a platform takes, where it needs no more. */
  cells: number;
}

/** Ids that no convention gives to anybody (systemd's "Users, Groups, UIDs and GIDs"). */
const wide: Space = { first: 0x7000_0000, last: 0x7fff_ffff, cell: 2 ** 20, cells: 1 };
/** Users up to here exist in every user namespace that maps the usual 65,536; the last two mean "nobody". */
const narrow: Space = { first: 61_000, last: 65_533, cell: 100, cells: 5 };
/** The first that can be written to: in a hardened container some cannot. All platforms of a machine find the same one. */
const lockDirectories = ["/var/run/streamzero-fx-users", "/var/lib/streamzero-fx-users"];
/** The group of databases, and who installs packages: the first ids of a range, that no script has. */
const reserved = 2;

/** Where users of scripts begin that nobody has set: at the first of these that this process can become. */
export const firstUids = [wide.first, narrow.first];

type Lock = NonNullable<ReturnType<typeof tryFileLock>>;

/**
 * The users of one platform's scripts: a new one for each process, so that what a process leaves behind where every user may
 * write is closed to all that come later. An id comes again when all others had their turn, also over restarts.
 */
export class RunUsers {
  readonly firstUid: number;
  readonly lastUid: number;
  readonly #directory: string;
  readonly #turn: StoredTurn;
  readonly #locks: readonly Lock[];
  /** By place: who may still be running there. */
  readonly #present = new Map<number, number>();

  private constructor(directory: string, firstUid: number, lastUid: number, turn: StoredTurn, locks: readonly Lock[]) {
    this.#directory = directory;
    this.firstUid = firstUid;
    this.lastUid = lastUid;
    this.#turn = turn;
    this.#locks = locks;
  }

  /**
   * Takes a range of ids for this process alone, the first that is free from `firstUid` on, large enough for `places` processes
   * at a time, and ends whatever a killed predecessor left running as one of them. Two platforms on one machine thus never
   * share a user: one could read and kill the other's scripts.
   *
   * A lock is a file's, in a directory that root alone can enter: the kernel frees it with the process.
   */
  static async claim(firstUid: number, places: number, random: Random): Promise<RunUsers> {
    const directory = await layLocks();
    const { last, cell, cells } = firstUid <= narrow.last ? narrow : wide;
    // One more than there are places, so that a place that changes its user always finds one.
    const size = Math.max(cells, Math.ceil((reserved + places + 1) / cell)) * cell;
    for (let uid = Math.ceil(firstUid / cell) * cell; uid + size - 1 <= last; uid += size) {
      const locks = lockCells(directory, uid, size, cell);
      if (!locks) continue;
      const end = uid + size - 1;
      killStrays({ kind: "users", firstUid: uid, lastUid: end });
      const count = size - reserved;
      const turn = new StoredTurn(join(directory, `turn-${uid}`), count, Math.floor(random.fraction() * count));
      return new RunUsers(directory, uid, end, turn, locks);
    }
    throw new PlatformError(
      "unavailable",
      `no ${size} user ids in a row are free between ${firstUid} and ${last}; other platforms on this machine hold them`,
    );
  }

  /** Of the process that begins in `place` now; the one before it is gone. */
  next(place: number): User {
    this.#present.delete(place);
    const present = new Set(this.#present.values());
    let uid: number;
    do uid = this.firstUid + reserved + this.#turn.next();
    while (present.has(uid));
    this.#present.set(place, uid);
    return { uid, gid: uid };
  }

  /** Whether it was the user of a process and is nobody's now: of this platform, or of one that has ended, where all ids of a kind are platforms'. */
  isLeft(uid: number): boolean {
    if (uid >= this.firstUid && uid <= this.lastUid) {
      return uid >= this.firstUid + reserved && ![...this.#present.values()].includes(uid);
    }
    if (uid < wide.first || uid > wide.last) return false;
    const lock = tryFileLock(join(this.#directory, `uid-${uid - (uid % wide.cell)}`));
    lock?.release();
    return lock !== undefined;
  }

  /**
   * The group that SQL steps run with, beside their user: it alone can enter the directories of databases, so a script of
   * another language cannot (rule S4).
   */
  get databaseGroup(): number {
    return this.firstUid;
  }

  /** The user that installs packages. */
  get installer(): number {
    return this.firstUid + 1;
  }

  release(): void {
    for (const lock of this.#locks) lock.release();
  }
}

// Ranges of different sizes may overlap, so each cell has its own lock.
function lockCells(directory: string, firstUid: number, size: number, cell: number): Lock[] | undefined {
  const locks: Lock[] = [];
  for (let uid = firstUid; uid < firstUid + size; uid += cell) {
    const lock = tryFileLock(join(directory, `uid-${uid}`));
    if (!lock) {
      for (const held of locks) held.release();
      return undefined;
    }
    locks.push(lock);
  }
  return locks;
}

/** Closed to scripts: who could hold a lock could keep a platform from its users, and from what still runs as them. */
async function layLocks(): Promise<string> {
  const refusals: string[] = [];
  for (const directory of lockDirectories) {
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
    } catch (error) {
      refusals.push(messageOf(error));
      continue;
    }
    const { uid, mode } = await lstat(directory);
    if (uid === 0 && (mode & 0o077) === 0) return directory;
    refusals.push(`'${directory}' is not closed to all but root: chmod 700, or remove it`);
  }
  throw new PlatformError(
    "unavailable",
    `scripts get users of their own, whose locks can be kept nowhere: ${refusals.join("; ")}`,
  );
}
