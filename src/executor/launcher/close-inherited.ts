import { closeSync, readdirSync, readFileSync } from "node:fs";

/** O_CLOEXEC, as /proc tells it. */
const closedAtExec = 0o2000000;

/**
 * Closes what whoever started the platform left open: a program that this process starts would have it too. Node keeps the first sixteen
 * descriptors from programs, and all of its own; of others there may be any. Without a /proc it does nothing.
 */
export function closeInherited(): void {
  for (const fd of openDescriptors()) if (fd > 3 && !isClosedAtExec(fd)) closeQuietly(fd);
}

function openDescriptors(): number[] {
  try {
    return readdirSync("/proc/self/fd").map(Number);
  } catch {
    return [];
  }
}

/** What is not there any more counts as closed. */
function isClosedAtExec(fd: number): boolean {
  try {
    const [, flags = ""] = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8")) ?? [];
    return (Number.parseInt(flags, 8) & closedAtExec) !== 0;
  } catch {
    return true;
  }
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {}
}
