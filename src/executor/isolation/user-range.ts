import { lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, PlatformError } from "../../foundation/errors.ts";
import { tryFileLock } from "../../foundation/file-lock.ts";
import { killStrays } from "../launcher/strays.ts";

/** Users up to here exist in every user namespace that maps the usual 65,536; the last two mean "nobody". */
const lastUid = 65_533;
/** The first that can be written to: in a hardened container some cannot. All platforms of a machine find the same one. */
const lockDirectories = ["/var/run/streamzero-fx-users", "/var/lib/streamzero-fx-users"];

type Lock = NonNullable<ReturnType<typeof tryFileLock>>;

export interface UserRange {
  firstUid: number;
  release(): Promise<void>;
}

/**
 * Takes `slots` user ids for this process alone, the first free block from `firstUid` on, and ends
 * whatever a killed predecessor left running as them. Two platforms on one machine thus never share a
 * user: one could read and kill the other's scripts.
 *
 * A lock is a file's, in a directory that root alone can enter: the kernel frees it with the process.
 */
export async function claimUserRange(firstUid: number, slots: number): Promise<UserRange> {
  const directory = await layLocks();
  for (let uid = firstUid; uid + slots - 1 <= lastUid; uid += slots) {
    const locks = lockAll(directory, uid, slots);
    if (!locks) continue;
    killStrays({ kind: "users", firstUid: uid, lastUid: uid + slots - 1 });
    const release = async () => {
      for (const lock of locks) lock.release();
    };
    return { firstUid: uid, release };
  }
  throw new PlatformError(
    "unavailable",
    `no ${slots} user ids in a row are free between ${firstUid} and ${lastUid}; other platforms on this machine hold them`,
  );
}

// Blocks of different sizes may overlap, so each id has its own lock.
function lockAll(directory: string, firstUid: number, slots: number): Lock[] | undefined {
  const locks: Lock[] = [];
  for (let slot = 0; slot < slots; slot += 1) {
    const lock = tryFileLock(join(directory, `uid-${firstUid + slot}`));
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
