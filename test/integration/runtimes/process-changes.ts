/**
 * A program in Python that changes limits, priorities and processors of a process, in each way that the kernel has, and
 * prints the ways that were not refused. `pid` 0: its own.
 */
export function processChanges(pid: number): string {
  return `import ctypes, os, resource
pid = ${pid}
libc = ctypes.CDLL(None, use_errno=True)
ioprio_set, sched_setattr = {"x86_64": (251, 314), "aarch64": (30, 274)}[os.uname().machine]
def call(number, *args):
    if libc.syscall(number, *args) < 0:
        raise OSError(ctypes.get_errno(), "refused")
attributes = (48).to_bytes(4, "little") + (5).to_bytes(4, "little") + bytes(40)
ways = {
    "limits": lambda: resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0)),
    "priority": lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
    "disk": lambda: call(ioprio_set, 1, pid, 3 << 13),
    "processors": lambda: os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))}),
    "policy": lambda: os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0)),
    "parameters": lambda: os.sched_setparam(pid, os.sched_param(0)),
    "attributes": lambda: call(sched_setattr, pid, attributes, 0),
}
if pid:
    ways["priority of the group"] = lambda: os.setpriority(os.PRIO_PGRP, pid, 19)
    ways["priority of the user"] = lambda: os.setpriority(os.PRIO_USER, 0, 19)
    ways["disk for the user"] = lambda: call(ioprio_set, 3, os.getuid(), 3 << 13)
done = []
for way, change in ways.items():
    try:
        change()
        done.append(way)
    except PermissionError:
        pass
print(*done, sep=", ")
`;
}

export const ownChanges = "limits, priority, disk, processors, policy, parameters, attributes\n";
export const allChanges = `${ownChanges.trim()}, priority of the group, priority of the user, disk for the user\n`;
