import { existsSync, readdirSync, readFileSync } from "node:fs";
import { memoryIn, type ProcessMemory } from "./tree-memory.ts";

/** Of the kernel's flags of a process (PF_EXITING). */
const exiting = 0x4;
/** Of the kernel's clock as /proc tells it. */
const tickMs = 10;

export interface TreeUsage {
  /** Of each process; tree-memory.ts says what it comes to. */
  memory: Map<number, ProcessMemory>;
  /** With their threads. */
  processes: number;
  /** To 10 ms, of those as well that have ended and were waited for. */
  processorMs: number;
}

/** What a process and all that descend from it use now, as far as /proc tells; nothing where there is no /proc. */
export function treeUsage(pid: number): TreeUsage {
  const usage: TreeUsage = { memory: new Map(), processes: 0, processorMs: 0 };
  for (const next of tree(pid)) {
    try {
      const status = readFileSync(`/proc/${next}/status`, "utf8");
      usage.processes += Number(/^Threads:\s+(\d+)/m.exec(status)?.[1] ?? 0);
      usage.processorMs += ownProcessorMs(next);
      const memory = memoryIn(status, "RssAnon", "RssShmem");
      if (memory) usage.memory.set(next, memory);
    } catch {
      // It has ended meanwhile.
    }
  }
  return usage;
}

/** Processor time so far, to 10 ms, of a process and all that descend from it, of those as well that have ended and were waited for. */
export function processorMs(pid: number): number {
  let sum = 0;
  for (const next of tree(pid)) sum += ownProcessorMs(next);
  return sum;
}

/** As `processorMs`, of one process and the children that it has waited for. 0: it has ended, or /proc does not tell. */
export function ownProcessorMs(pid: number): number {
  try {
    // Fields 14 to 17.
    return (
      statOf(pid)
        .slice(11, 15)
        .map(Number)
        .reduce((sum, ticks) => sum + ticks) * tickMs
    );
  } catch {
    return 0;
  }
}

/** Processes of a session, with their threads. */
export function sessionSize(session: number): number {
  let count = 0;
  for (const pid of readdirSync("/proc").map(Number).filter(Number.isInteger)) {
    try {
      const fields = statOf(pid);
      if (Number(fields[3]) === session) count += Number(fields[17]);
    } catch {
      // It has ended meanwhile.
    }
  }
  return count;
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
