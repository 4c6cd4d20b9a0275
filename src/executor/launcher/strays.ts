import { readdirSync, readFileSync, statSync } from "node:fs";

/** What tells a run's processes from all others, once they have left its process group. */
export type StrayMark =
  /** Every process of these users: nobody else runs as them (rule S3). */
  | { kind: "users"; firstUid: number; lastUid: number }
  /** Every process whose first environment held this entry; one that started anew with another is missed. */
  | { kind: "environment"; entry: string };

/**
 * Kills what is left of a run and says how many processes it found alive. Repeat until it says 0: one
 * of them may have forked meanwhile. Without a /proc it finds nothing.
 *
 * `above`: only processes with a greater id are looked at, where the caller knows that ids have not wrapped.
 */
export function killStrays(mark: StrayMark, above = 0): number {
  let alive = 0;
  for (const pid of processIds()) {
    if (pid <= above || pid === process.pid || !matches(pid, mark) || isZombie(pid)) continue;
    alive += 1;
    killQuietly(pid, "SIGKILL");
  }
  return alive;
}

/** The process id handed out last, 0 where it cannot be told. */
export function lastProcessId(): number {
  try {
    return Number(readFileSync("/proc/loadavg", "utf8").trim().split(" ").at(-1)) || 0;
  } catch {
    return 0;
  }
}

/** `pid` below 0 is a group. Nobody there to take it is no error. */
export function killQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {}
}

function processIds(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function matches(pid: number, mark: StrayMark): boolean {
  try {
    if (mark.kind === "users") {
      const uid = realUid(pid);
      return uid >= mark.firstUid && uid <= mark.lastUid;
    }
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(mark.entry);
  } catch {
    return false;
  }
}

function realUid(pid: number): number {
  const { uid } = statSync(`/proc/${pid}`);
  if (uid !== 0) return uid;
  // A process that made itself undumpable shows /proc/<pid> as root's; its status file tells the truth.
  return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
}

function isZombie(pid: number): boolean {
  try {
    return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}
