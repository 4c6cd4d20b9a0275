"""One run, as its keeper knows it (keeper.py): its pipes, its time, what it uses, and how it ended."""
import os
import signal


class Run:
    """One script, from its fork to the last byte of its output."""

    __slots__ = ("id", "pid", "stays", "heard", "looked", "fds", "order", "orders", "drains", "cap", "unhandled", "read", "written", "truncated", "paused",
                 "expired", "overrun", "ttl", "grace", "held", "watch", "limits", "group", "emptied", "exit", "over")

    def __init__(self, id, fds, order, cap, limits, group, stays):
        self.id = id
        self.pid = None
        # It runs a script again and again, and which of its runs is on the executor alone knows.
        self.stays = stays
        # How often it was kept alive, until now and until it was last looked at.
        self.heard = self.looked = 0
        self.fds = fds
        self.order = order
        self.orders = 0
        self.drains = 0
        self.cap = cap
        self.unhandled = 0
        self.read = 0
        self.written = 0
        self.truncated = False
        self.paused = False
        self.expired = False
        self.overrun = None
        # (memory in bytes, processes and threads, output in bytes, processor time in seconds); 0: no limit.
        self.limits = limits
        # None: what it uses is counted here, process by process.
        self.group = group
        self.emptied = None
        self.watch = None
        self.ttl = None
        self.grace = None
        self.held = None
        self.exit = None
        self.over = False


# The kernel lets a run have so many more than it may, so that whoever passes the limit is seen to, and ends with its name.
SPARE_PROCESSES = 16
TICKS = os.sysconf("SC_CLK_TCK")


def outcome(run):
    if isinstance(run.exit, dict):
        return run.exit
    status, max_rss, cpu_ms, left = run.exit
    used = {"maxRssBytes": max_rss, "cpuMs": cpu_ms}
    common = {"truncated": run.truncated, "used": used}
    overrun = run.overrun or passed_at_the_end(run.limits, cpu_ms, left)
    if overrun:
        return {"kind": "overrun", "limit": overrun, **common}
    if run.expired:
        return {"kind": "expired", **common}
    if os.WIFEXITED(status):
        return {"kind": "exited", "code": os.WEXITSTATUS(status), **common}
    number = os.WTERMSIG(status)
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return {"kind": "signalled", "signal": name, **common}


def passed_now(limits, memory, processes, seconds):
    """The limit that what is used now has passed; None: none."""
    if limits[0] and memory > limits[0]:
        return "memoryBytes"
    if limits[1] and processes > limits[1]:
        return "processes"
    return "cpuSeconds" if limits[3] and seconds > limits[3] else None


def passed_at_the_end(limits, cpu_ms, left):
    """`left`: processes that one which has crashed has left; its own threads are gone, and nobody counts them any more, so that some fewer
    tell of the limit than it allows.
    """
    if limits[3] and cpu_ms > limits[3] * 1000:
        return "cpuSeconds"
    if limits[1] and left >= max(limits[1] / 2, limits[1] - SPARE_PROCESSES):
        return "processes"
    return None


def usage_of(pid):
    """Memory that is no file's, in bytes, processes with their threads, and processor time in seconds, of a process and all that descend from it."""
    memory = threads = ticks = 0
    waiting = [pid]
    while waiting:
        process = waiting.pop()
        try:
            with open(f"/proc/{process}/stat", "rb") as stat:
                # Its own, and that of children which it has waited for (proc(5)).
                ticks += sum(map(int, stat.read().rpartition(b")")[2].split()[11:15]))
            with open(f"/proc/{process}/status") as status:
                fields = dict(line.split(":", 1) for line in status)
            threads += int(fields["Threads"])
            memory += sum(int(fields[name].split()[0]) for name in ("RssAnon", "RssShmem")) * 1024
            for thread in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{thread}/children") as children:
                    waiting.extend(map(int, children.read().split()))
        except (OSError, KeyError):
            continue  # It has ended meanwhile.
    return memory, threads, ticks / TICKS
