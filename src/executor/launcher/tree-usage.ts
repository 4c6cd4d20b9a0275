import { readdirSync, readFileSync } from "node:fs";

export interface TreeUsage {
  /** Memory that is no file's. */
  memoryBytes: number;
  /** With their threads. */
  processes: number;
}

/** What a process and all that descend from it use now, as far as /proc tells; nothing where there is no /proc. */
export function treeUsage(pid: number): TreeUsage {
  const usage = { memoryBytes: 0, processes: 0 };
  for (const waiting = [pid]; waiting.length > 0; ) {
    const next = waiting.pop() as number;
    try {
      const status = readFileSync(`/proc/${next}/status`, "utf8");
      usage.processes += field(status, "Threads");
      usage.memoryBytes += (field(status, "RssAnon") + field(status, "RssShmem")) * 1024;
      for (const thread of readdirSync(`/proc/${next}/task`)) {
        const children = readFileSync(`/proc/${next}/task/${thread}/children`, "utf8");
        waiting.push(...children.split(" ").filter(Boolean).map(Number));
      }
    } catch {
      // It has ended meanwhile.
    }
  }
  return usage;
}

function field(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
}
