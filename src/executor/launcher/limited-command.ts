import type { RunLimits } from "../../services/run-limits.ts";

/** So many more than allowed can be started: see src/executor/zygote/run_usage.py. */
const spareProcesses = 64;

/**
 * The command that sets the kernel's limits of a process (setrlimit(2)) and becomes `command`. They hold for each process
 * of a run; what all of them use together is watched (tree-usage.ts). Fails closed: where a limit cannot be set, nothing
 * is started (exit status 126). One that the machine or the container has set tighter already stays: only root may raise it.
 *
 * `setAsideBytes`: see RuntimeCommand. `hasUser`: the run has a user of its own. The kernel counts the processes of a user, not those of a run; and what
 * such a run writes where every user may is for nobody else to read, unless it says so.
 */
export function limitedCommand(
  { memoryBytes, cpuSeconds, processes, openFiles }: RunLimits,
  hasUser: boolean,
  setAsideBytes: number,
  command: string,
  args: readonly string[],
): { command: string; args: string[] } {
  const orders: string[] = hasUser ? ["umask 077"] : [];
  if (memoryBytes !== undefined) orders.push(atMost("-d", Math.ceil((memoryBytes + setAsideBytes) / 1024)));
  // At the soft limit a signal that names its reason, at the hard one the end.
  if (cpuSeconds !== undefined) orders.push(atMost("-S -t", cpuSeconds), atMost("-H -t", cpuSeconds + 1));
  if (openFiles !== undefined) orders.push(atMost("-n", openFiles));
  // The letter is dash's; in bash it is another.
  const most = (processes ?? 0) + spareProcesses;
  if (processes !== undefined && hasUser) orders.push(`{ ulimit -p ${most} || ulimit -u ${most}; } 2>/dev/null`);
  if (orders.length === 0) return { command, args: [...args] };
  const start = `${orders.join(" && ")} || { echo "the script was not started: its limits cannot be set" >&2; exit 126; }`;
  return { command: "/bin/sh", args: ["-c", `${start}\nexec "$0" "$@"`, command, ...args] };
}

/** `how`: which of the two limits, where it is one, and what of. */
function atMost(how: string, value: number): string {
  const kind = how.slice(-2);
  return `{ ulimit ${how} ${value} 2>/dev/null || [ "$(ulimit -H ${kind})" -lt ${value} ]; }`;
}
