import { readdirSync, readFileSync } from "node:fs";

/** One process of the machine. The start tells it from a later one with the same id. */
export interface ProcessFacts {
  pid: number;
  parent: number;
  start: string;
  command: string;
}

/** Everything that descends from a process now, without it. Reads Linux's /proc. */
export function descendantsOf(pid: number): ProcessFacts[] {
  const all = processes();
  const found: ProcessFacts[] = [];
  for (let parents = new Set([pid]); parents.size > 0; ) {
    const children = all.filter(({ parent }) => parents.has(parent));
    found.push(...children);
    parents = new Set(children.map((child) => child.pid));
  }
  return found;
}

/** Those of them that still run; a zombie does not. */
export function stillRunning(expected: readonly ProcessFacts[]): ProcessFacts[] {
  const now = new Map(processes().map((process) => [`${process.pid} ${process.start}`, process]));
  return expected.filter(({ pid, start }) => now.has(`${pid} ${start}`));
}

function processes(): ProcessFacts[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        // proc(5): the name in brackets may hold anything; state, parent, ..., start time follow it.
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        if (fields[0] === "Z" || fields[0] === "X") return [];
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
        return [{ pid: Number(name), parent: Number(fields[1]), start: fields[19] ?? "", command }];
      } catch {
        // It ended while we looked.
        return [];
      }
    });
}
