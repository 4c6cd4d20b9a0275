import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** The kernel counts processor time in hundredths of a second. */
const tickMs = 10;

/** A process and all that descend from it. */
export function processesBelow(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    const parent = statOf(Number(name))?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const below = (pid: number): boolean => {
    const parent = parents.get(pid);
    return pid === root || (parent !== undefined && parent > 1 && below(parent));
  };
  return [...parents.keys()].filter(below);
}

/** User and system time so far of a process and of those below it, also of those that have ended; in ms. */
export function processorMsBelow(root: number): number {
  return processesBelow(root).reduce((sum, pid) => {
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = (statOf(pid) ?? []).slice(11, 15).map(Number);
    return sum + (user + system + endedUser + endedSystem) * tickMs;
  }, 0);
}

export interface ResidentProcess {
  /** The file of ours that it runs, else its pid. */
  command: string;
  megabytes: number;
}

/** Resident memory, shared pages counted in each. */
export function residentBelow(root: number): ResidentProcess[] {
  return processesBelow(root).flatMap((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8")
        .split("\0")
        .find((part) => part.endsWith(".ts"));
      const megabytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
      return [{ command: path.basename(command ?? `process ${pid}`), megabytes }];
    } catch {
      return [];
    }
  });
}

/** What follows its name in /proc/<pid>/stat; undefined: it is gone. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
