"""One run, as its keeper knows it (keeper.py): its pipes, its time, its limits, and how it ended."""
import os
import signal

from run_usage import passed_at_the_end


class Run:
    """One script, from its fork to the last byte of its output."""

    __slots__ = ("id", "pid", "stays", "heard", "looked", "fds", "order", "orders", "drains", "cap", "unhandled", "read", "written", "truncated", "paused",
                 "expired", "overrun", "ttl", "grace", "held", "watch", "pace", "limits", "group", "boxed", "emptied", "exit", "over")

    def __init__(self, id, fds, order, cap, limits, group, stays, boxed):
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
        self.limits = limits
        # Its first process waits for the script (box.py).
        self.boxed = boxed
        # None: what it uses is counted here, process by process.
        self.group = group
        self.emptied = None
        # When it is looked at next, and how long after the last time.
        self.watch = self.pace = None
        self.ttl = None
        self.grace = None
        self.held = None
        self.exit = None
        self.over = False


def outcome(run):
    if isinstance(run.exit, dict):
        return run.exit
    status, max_rss, cpu_ms, left = run.exit
    used = {"maxRssBytes": max_rss, "cpuMs": cpu_ms}
    common = {"truncated": run.truncated, "used": used}
    overrun = run.overrun or passed_at_the_end(run.limits, status, cpu_ms, left)
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
