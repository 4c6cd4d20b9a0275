"""The first process of a sandbox's own process namespace (pid_namespaces(7)).

With its end the kernel ends all others of the namespace, so that nothing of a run outlives it, and no number of a process outside
means anything inside. It is not the script: the kernel keeps from the first process each signal that it has no handler for, and a
script is to end by signals as any other does. So it starts the script, waits, says how that ended, and ends.
"""
import os
import select
import signal
import struct

import sandbox
from fx_forked import PR_SET_DUMPABLE, PR_SET_PDEATHSIG, prctl
from run_usage import threads_of
from zygote_words import NOT_STARTED

# The script's status, and how many processes and threads it has left.
END = struct.Struct("=iI")
NULL, REPORT = 0, 3


class Box:
    """One sandbox, of one run: made in the zygote before its first process."""

    def __init__(self, has_user):
        """`has_user`: the script gets a user of its own, as only root can give it."""
        self.has_user = has_user
        self.namespaces = sandbox.namespaces(has_user)
        self.said, self.report = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    # In the zygote.

    def is_begun(self):
        os.close(self.report)
        self.report = None

    def end(self):
        """(status of the script, how many processes it has left); None: its first process was killed before it could say so."""
        try:
            said = os.read(self.said, END.size)
        except BlockingIOError:
            said = b""
        return END.unpack(said) if len(said) == END.size else None

    def close(self):
        os.close(self.said)
        if self.report is not None:
            os.close(self.report)

    # In the first process.

    def begin(self, null, err):
        """Returns in the process of the script alone. `null`, `err`: descriptors of /dev/null and of the run's error output."""
        try:
            os.setsid()
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if is_alone(self.report):
                os._exit(NOT_STARTED)
            if not self.has_user:
                sandbox.map_user()
            # No other process of its user may look into it.
            prctl(PR_SET_DUMPABLE, 0)
            script = os.fork()
            if script != 0:
                serve(script, null, self.report)
        except BaseException as error:
            os.write(err, f"the script was not started: a sandbox: {error}\n".encode())
            os._exit(NOT_STARTED)


def serve(script, null, report):
    """Never returns. What is sent to all of the run is for the script; its output ends with it, and not with this process."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for target in range(NULL, REPORT):
        os.dup2(null, target)
    os.dup2(report, REPORT)
    os.closerange(REPORT + 1, os.sysconf("SC_OPEN_MAX"))
    ended = status = None
    while ended != script:
        ended, status = os.wait()
    os.write(REPORT, END.pack(status, left()))
    os._exit(0)


def left():
    """Processes and threads that the script has left, which are this one's now."""
    with open("/proc/thread-self/children") as children:
        return threads_of(children.read().split())


def is_alone(report):
    """Nobody will ever read what it says: the zygote has ended before it could be told of that."""
    poll = select.poll()
    poll.register(report, 0)
    return bool(poll.poll(0))
