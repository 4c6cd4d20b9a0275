"""A warm interpreter that starts scripts by fork: Python's in a copy of itself, others by the program that they need.

zygote.py SOCKET SDK GROUPS [MODULES]   GROUPS: the directory for control groups of runs, "" where there are none (run_group.py)
                                        MODULES: to be imported ahead, with commas between them
zygote.py --probe SDK                   ends with 0 where one could serve, else with what hinders it

Each run is a process of its own: forked, put into a session of its own, limited, handed to its user, and only then given its
context over its private channel. What this process has in its memory every run inherits. So it runs no user code, reads no
output, which its keeper does (keeper.py), and no request: the child reads that, and here it is wiped (rule S2).

Whatever a run leaves behind becomes a child of this process at the run's death, since every run adopts its own orphans
until then (PR_SET_CHILD_SUBREAPER), so that nothing escapes by leaving its group. A child that is neither a run nor the keeper
is such a stray, or one that a run has pushed out of its own care: it is killed.
"""
import collections
import gc
import os
import select
import signal
import socket
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(os.path.dirname(here), "isolation")]
import lean_ctypes  # noqa: E402, F401 - before all that need it
import clone  # noqa: E402
import fx_forked  # noqa: E402
import keeper  # noqa: E402
import run_group  # noqa: E402
from box import Box  # noqa: E402
from run_usage import threads_of  # noqa: E402
from zygote_words import BOXED, EXITED, EXIT_BODY, FORK, FORK_HEAD, HEAD, KILL, PID, SIGNAL, STARTED, UNSTARTABLE  # noqa: E402

del sys.path[:2]

CHILDREN = f"/proc/self/task/{os.getpid()}/children"
CHUNK = 16 * 1024
ABANDON_SECONDS = 5


class Zygote:
    def __init__(self, keeper_socket, keeper_pid):
        self.keeper = keeper_socket
        self.keeper_pid = keeper_pid
        self.runs = {}
        self.by_pid = {}
        # By run, of those that have one.
        self.boxes = {}
        # Runs that have ended, and whose strays have not.
        self.ended = []
        self.out = collections.deque()
        # The keeper is told when it takes it.
        self.is_late = False
        self.frame = bytearray(keeper.MAX_FORK)
        self.children = os.open(CHILDREN, os.O_RDONLY | os.O_CLOEXEC)
        self.null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        self.wake, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        self.poll = select.poll()
        self.poll.register(keeper_socket.fileno(), select.POLLIN)
        self.poll.register(self.wake, select.POLLIN)

    def serve(self):
        """Returns when the keeper is gone."""
        while True:
            try:
                ready = dict(self.poll.poll())
            except InterruptedError:
                continue
            if self.wake in ready:
                try:
                    os.read(self.wake, 4096)
                except OSError:
                    pass
                if not self.reap():
                    return
            events = ready.get(self.keeper.fileno(), 0)
            if events & select.POLLOUT:
                self.flush()
            if events & ~select.POLLOUT and not self.hear():
                return

    def hear(self):
        """False: the keeper is gone."""
        frame = self.frame
        try:
            size, control, _, _ = self.keeper.recvmsg_into([frame], socket.CMSG_SPACE(4 * 4))
        except OSError:
            return False
        if size == 0:
            return False
        kind, id = HEAD.unpack_from(frame)
        if kind == FORK:
            sent = control[0][2]
            descriptors = [int.from_bytes(sent[at : at + 4], sys.byteorder) for at in range(0, len(sent), 4)]
            self.fork(id, frame, size, descriptors)
            # Nothing of the request stays here, where the next child would find it.
            frame[:size] = bytes(size)
            for descriptor in descriptors:
                os.close(descriptor)
        elif kind == KILL:
            self.signal(id, SIGNAL.unpack_from(frame, HEAD.size)[0])
        else:
            self.kill_strays()
        return True

    def fork(self, id, frame, size, descriptors):
        flags, _, _, uid, gid, *_ = FORK_HEAD.unpack_from(frame, HEAD.size)
        group = descriptors[3] if len(descriptors) > 3 else None
        # Made ahead of the fork: the first that a child makes of anything costs it a page.
        request = memoryview(frame)[HEAD.size + FORK_HEAD.size : size]
        given = (self.null, *descriptors[:3])
        line = os.fstat(given[-1])
        box = None
        try:
            if flags & BOXED:
                box = Box(has_user=uid >= 0)
            pid, group = fork_into(group, box.namespaces if box else 0)
        except OSError as error:
            if box:
                box.close()
            self.tell(HEAD.pack(UNSTARTABLE, id) + str(error).encode()[:1000])
            return
        if pid == 0:
            fx_forked.run(request, uid, gid, given, line, group, box)
        if box:
            box.is_begun()
            self.boxes[id] = box
        self.runs[id] = pid
        self.by_pid[pid] = id
        self.tell(HEAD.pack(STARTED, id) + PID.pack(pid))

    def signal(self, id, number):
        # Until it is reaped its id is nobody else's; its group may outlive it, and keeps the id taken.
        pid = self.runs.get(id)
        if pid is not None and not send_signal(-pid, number):
            # One that was just forked has no group of its own yet, and has started nothing.
            send_signal(pid, number)

    def reap(self):
        """False: the keeper has ended."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid == self.keeper_pid:
                return False
            id = self.by_pid.pop(pid, None)
            if id is not None:
                # Before it is killed: by it, whoever failed over a process that it was refused is told.
                status, left = self.end_of_box(id, status) if id in self.boxes else (status, None)
                if left is None:
                    left = threads_of(self.strays(), session=pid) if status != 0 else 0
                send_signal(-pid, signal.SIGKILL)
                del self.runs[id]
                cpu_ms = round((usage.ru_utime + usage.ru_stime) * 1000)
                self.ended.append(HEAD.pack(EXITED, id) + EXIT_BODY.pack(status, usage.ru_maxrss * 1024, cpu_ms, left))
        # The end of one that is left will wake us.
        if self.ended and not self.kill_strays():
            for message in self.ended:
                self.tell(message)
            self.ended.clear()
        return True

    def end_of_box(self, id, status):
        """(status, processes and threads left) of its script. Without them it was ended together with that, and so as its script was."""
        box = self.boxes.pop(id)
        said = box.end()
        box.close()
        return said or (status, None)

    def tell(self, message):
        """Never waits for the keeper, which may be waiting for this process to take what it sends."""
        self.out.append(message)
        self.flush()

    def flush(self):
        is_late = False
        try:
            while self.out:
                self.keeper.send(self.out[0], socket.MSG_DONTWAIT)
                self.out.popleft()
        except BlockingIOError:
            is_late = True
        except OSError:
            self.out.clear()
        if is_late != self.is_late:
            self.is_late = is_late
            self.poll.modify(self.keeper.fileno(), select.POLLIN | select.POLLOUT if is_late else select.POLLIN)

    def kill_strays(self):
        """True: some were there, and their end will wake us."""
        strays = self.strays()
        for pid in strays:
            send_signal(pid, signal.SIGKILL)
        return bool(strays)

    def strays(self):
        found = b""
        while piece := os.pread(self.children, CHUNK, len(found)):
            found += piece
        known = {*self.by_pid, self.keeper_pid}
        return [pid for pid in map(int, found.split()) if pid not in known]

    def abandon(self):
        """The keeper or the executor is gone: everything that was started goes too."""
        deadline = time.monotonic() + ABANDON_SECONDS
        self.by_pid.clear()
        self.keeper_pid = None
        for pid in self.runs.values():
            send_signal(-pid, signal.SIGKILL)
        while time.monotonic() < deadline:
            self.kill_strays()
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    time.sleep(0.002)
            except ChildProcessError:
                return


def fork_into(group, namespaces):
    """With the process's id goes the group that it has still to join, if any."""
    if group is not None:
        try:
            return clone.fork(namespaces, group), None
        except OSError:
            pass  # Old kernels and some sandboxes refuse it.
    return clone.fork(namespaces) if namespaces else os.fork(), group


def send_signal(pid, number):
    """False: nobody was there to take it."""
    try:
        os.kill(pid, number)
        return True
    except OSError:
        return False


def probe(sdk):
    fx_forked.prepare(sdk, [])
    ours, _theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    zygote = Zygote(ours, None)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    if pid not in zygote.strays():
        raise OSError("the kernel does not tell it of its children")
    os.waitpid(pid, 0)


def main():
    if sys.argv[1] == "--probe":
        return probe(sys.argv[2])
    address, sdk, groups, *modules = sys.argv[1:]
    preloaded = fx_forked.prepare(sdk, modules[0].split(",") if modules else [])
    # The executor's signals are for it: it drains, and needs us until it is done.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if groups:
        run_group.remove_all(groups, run_group.is_gone)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    keeper_pid = os.fork()
    if keeper_pid == 0:
        ours.close()
        keeper.run(address, theirs, groups, preloaded)
    theirs.close()
    zygote = Zygote(ours, keeper_pid)
    # What lies here now is never looked at again by the collector, so that no child copies its pages.
    gc.collect()
    gc.freeze()
    try:
        zygote.serve()
    finally:
        zygote.abandon()
        if groups:
            run_group.remove_all(groups, lambda owner: owner == str(os.getpid()))


if __name__ == "__main__":
    main()
