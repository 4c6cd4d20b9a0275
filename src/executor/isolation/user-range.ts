import { createServer, type Server } from "node:net";
import { PlatformError } from "../../foundation/errors.ts";
import { killStrays } from "../launcher/strays.ts";

/** Users up to here exist in every user namespace that maps the usual 65,536; the last two mean "nobody". */
const lastUid = 65_533;

export interface UserRange {
  firstUid: number;
  release(): Promise<void>;
}

/**
 * Takes `slots` user ids for this process alone, the first free block from `firstUid` on, and ends
 * whatever a killed predecessor left running as them. Two platforms on one machine thus never share a
 * user: one could read and kill the other's scripts.
 *
 * The lock is a name in the abstract socket namespace: the kernel frees it with the process.
 */
export async function claimUserRange(firstUid: number, slots: number): Promise<UserRange> {
  for (let uid = firstUid; uid + slots - 1 <= lastUid; uid += slots) {
    const locks = await lockAll(uid, slots);
    if (!locks) continue;
    killStrays({ kind: "users", firstUid: uid, lastUid: uid + slots - 1 });
    return { firstUid: uid, release: async () => void (await Promise.all(locks.map(close))) };
  }
  throw new PlatformError(
    "unavailable",
    `no ${slots} user ids in a row are free between ${firstUid} and ${lastUid}; other platforms on this machine hold them`,
  );
}

// Blocks of different sizes may overlap, so each id has its own lock.
async function lockAll(firstUid: number, slots: number): Promise<Server[] | undefined> {
  const locks: Server[] = [];
  for (let slot = 0; slot < slots; slot += 1) {
    const lock = await lockOne(firstUid + slot);
    if (!lock) {
      await Promise.all(locks.map(close));
      return undefined;
    }
    locks.push(lock);
  }
  return locks;
}

function lockOne(uid: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const lock = createServer((socket) => socket.destroy());
    lock.once("error", () => resolve(undefined));
    lock.listen(`\0streamzero-fx-user-${uid}`, () => {
      lock.unref();
      resolve(lock);
    });
  });
}

function close(lock: Server): Promise<void> {
  return new Promise((resolve) => lock.close(() => resolve()));
}
