"""The first process of a sandbox's own process namespace (pid_namespaces(7)).

With its end the kernel ends all others of the namespace, so that nothing of a run can outlive it, and no number of a process outside
means anything inside. It is not the script: the kernel keeps from the first process each signal that it has no handler for, and
a script is to end by signals as any other does. So it starts the script, waits, says how that ended, and ends.
"""
import ctypes
import os
import select
import signal
import struct

import clone

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
# The script's status, and how many processes it has left.
END = struct.Struct("=iI")

libc_prctl = ctypes.CDLL(None, use_errno=True).prctl
libc_prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4


class Box:
    """One sandbox, as the zygote knows it."""

    def __init__(self):
        self.said, self.report = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def fork(self, has_user, group):
        """0: in the first process of the namespace. `has_user`: the script gets a user of its own, as only root can give it."""
        flags = clone.CLONE_NEWPID | (0 if has_user else clone.CLONE_NEWUSER)
        return clone.fork(flags, group)

    def begin(self, has_user, null):
        """In the first process: returns in the script's alone. `null`: a descriptor of /dev/null."""
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if zygote_is_gone(self.report):
            os._exit(1)
        if not has_user:
            map_user()
        # No other process of its user may look into it.
        prctl(PR_SET_DUMPABLE, 0)
        script = os.fork()
        if script == 0:
            return
        try:
            serve(script, self.report, null)
        finally:
            os._exit(1)

    def status(self):
        """(of the script, how many processes it left); None: it did not come to say so, since all were killed together."""
        try:
            said = os.read(self.said, END.size)
        except BlockingIOError:
            said = b""
        return END.unpack(said) if len(said) == END.size else None

    def close_report(self):
        os.close(self.report)

    def close(self):
        os.close(self.said)


def serve(script, report, null):
    # What is sent to all of the run is for the script; its output ends with the script and not with this process.
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for target in range(3):
        os.dup2(null, target)
    os.dup2(report, 3)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    pid = None
    while pid != script:
        pid, status = os.wait()
    os.write(3, END.pack(status, left()))
    os._exit(0)


def left():
    """Processes that the script has left, which are this one's now."""
    try:
        with open("/proc/thread-self/children") as children:
            return len(children.read().split())
    except OSError:
        return 0


def map_user():
    """Its own user and group alone are there."""
    uid, gid = os.geteuid(), os.getegid()
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def zygote_is_gone(report):
    poll = select.poll()
    poll.register(report, 0)
    return bool(poll.poll(0))


def prctl(option, value):
    if libc_prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} is refused")
