import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Of the kernel's flags of a process (PF_EXITING). */
const exiting = 0x4;
/** Of the kernel's clock as /proc tells it. */
const tickMs = 10;

export interface TreeUsage {
  /** Memory that is no file's. */
  memoryBytes: number;
  /** With their threads. */
  processes: number;
  /** To 10 ms, of those as well that have ended and were waited for. */
  processorMs: number;
}

/** What a process and all that descend from it use now, as far as /proc tells; nothing where there is no /proc. */
export function treeUsage(pid: number): TreeUsage {
  const usage = { memoryBytes: 0, processes: 0, processorMs: 0 };
  for (const next of tree(pid)) {
    try {
      const status = readFileSync(`/proc/${next}/status`, "utf8");
      usage.processes += field(status, "Threads");
      usage.memoryBytes += (field(status, "RssAnon") + field(status, "RssShmem")) * 1024;
      const [user = 0, system = 0, ofChildren = 0, ofChildrenInSystem = 0] = ticksOf(next);
      usage.processorMs += (user + system + ofChildren + ofChildrenInSystem) * tickMs;
    } catch {
      // It has ended meanwhile.
    }
  }
  return usage;
}

/** Processor time so far, to 10 ms, of a process and of each that descends from it. */
export function processorTimes(pid: number): Map<number, number> {
  const times = new Map<number, number>();
  for (const next of tree(pid)) {
    try {
      const [user = 0, system = 0] = ticksOf(next);
      times.set(next, (user + system) * tickMs);
    } catch {
      // It has ended meanwhile.
    }
  }
  return times;
}

/** Whether a process has begun to end, or is gone; false where /proc does not tell. */
export function isEnding(pid: number): boolean {
  try {
    const [state = "", , , , , , flags] = statOf(pid);
    return "ZX".includes(state) || (Number(flags) & exiting) !== 0;
  } catch {
    return existsSync("/proc/self/stat");
  }
}

/** Of a process, user and system, and of its children that it has waited for: fields 14 to 17. */
function ticksOf(pid: number): number[] {
  return statOf(pid).slice(11, 15).map(Number);
}

/** What the kernel tells of a process (proc(5)), from field 3 on, its state: before it is the name, which may hold anything. */
function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function* tree(pid: number): Generator<number> {
  for (const waiting = [pid]; waiting.length > 0; ) {
    const next = waiting.pop() as number;
    yield next;
    try {
      for (const thread of readdirSync(`/proc/${next}/task`)) {
        const children = readFileSync(`/proc/${next}/task/${thread}/children`, "utf8");
        waiting.push(...children.split(" ").filter(Boolean).map(Number));
      }
    } catch {
      // It has ended meanwhile.
    }
  }
}

function field(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
}
