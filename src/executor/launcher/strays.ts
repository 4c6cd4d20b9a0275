import { readdirSync, readFileSync, statSync } from "node:fs";

/** What tells a run's processes from all others, once they have left its process group. */
export type StrayMark =
  /** Every process of these users: nobody else runs as them (rule S3). */
  | { kind: "users"; firstUid: number; lastUid: number }
  /** Every process whose first environment held this entry; one that started anew with another is missed. */
  | { kind: "environment"; entry: string };

/**
 * Kills what is left of a run and says how many processes it found alive, or could not tell from such. Repeat until it says 0: one of
 * them may have forked meanwhile. Without a /proc it finds nothing.
 *
 * `above`: only processes with a greater id are looked at, where the caller knows that ids have not wrapped.
 */
export function killStrays(mark: StrayMark, above = 0): number {
  let alive = 0;
  for (const pid of processIds()) {
    if (pid <= above || pid === process.pid) continue;
    const isOurs = matches(pid, mark);
    if (isOurs === false || isOver(pid)) continue;
    alive += 1;
    if (isOurs) killQuietly(pid, "SIGKILL");
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

/** Undefined: it cannot be told at this moment. */
function matches(pid: number, mark: StrayMark): boolean | undefined {
  try {
    if (mark.kind === "users") {
      const uid = realUid(pid);
      return uid >= mark.firstUid && uid <= mark.lastUid;
    }
    return environmentOf(pid)?.split("\0").includes(mark.entry);
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

/** Undefined: it has no memory, and so shows none: it begins another program just now, or is about to end. */
function environmentOf(pid: number): string | undefined {
  const whole = environmentAt(`/proc/${pid}`);
  if (whole !== "" || hasMemory(pid)) return whole;
  // The first thread has given its memory up where it ended alone; the others show it.
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const shown = environmentAt(`/proc/${pid}/task/${thread}`);
    if (shown !== "") return shown;
  }
  return undefined;
}

/** Empty where there is none to show. */
function environmentAt(directory: string): string {
  try {
    return readFileSync(`${directory}/environ`, "latin1");
  } catch (error) {
    // So newer kernels say that there is no memory; older ones give an empty file.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return "";
    throw error;
  }
}

/** Fields of proc_pid_stat(5), counted from the one after the name. */
const flagsField = 6;
const envEndField = 48;
const kernelThread = 0x00200000;

/** The kernel's own processes, which have none and need none, count as if they had. */
function hasMemory(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[envEndField]) !== 0 || (Number(fields[flagsField]) & kernelThread) !== 0;
}

/** Whether nothing of it runs any more. One whose first thread ended alone is called a zombie too; its other threads go on. */
function isOver(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return /^State:\s+[ZX]/m.test(status) && !/^Threads:\s+(?:[2-9]|\d{2})/m.test(status);
  } catch {
    return true;
  }
}
