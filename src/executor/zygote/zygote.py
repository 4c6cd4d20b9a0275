"""A warm interpreter that starts scripts by fork: Python's in a copy of itself, others by the program that they need.

zygote.py SOCKET SDK [MODULES]      MODULES: to be imported ahead, with commas between them

It dials the executor and speaks the launcher's protocol (src/executor/launcher/launcher-message.ts). Each run is a process
of its own: forked, put into a session of its own, limited, handed to its user, and only then given its context over its
private channel. This process runs no user code and reads no request: the child reads it, and the parent wipes it (rule S2).

It holds process groups: a run is killed on `stop`, at the end of its time to live, and when the executor is gone (rule D8).
Whatever a run leaves behind becomes a child of this process at the run's death, since every run adopts its own orphans
until then (PR_SET_CHILD_SUBREAPER), so that nothing escapes by leaving its group.
"""
import collections
import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(os.path.dirname(here), "isolation")]
import fx_forked  # noqa: E402

del sys.path[:2]

KINDS = ("start", "keepAlive", "stop", "taken", "ready", "started", "stdout", "stderr", "ended", "fork")
CODE = {name: index for index, name in enumerate(KINDS)}
FORK_HEAD = struct.Struct(">IIiiQIQ")
HEAD = struct.Struct(">BI")
LENGTH = struct.Struct(">I")
WINDOW = 256 * 1024
CHUNK = 64 * 1024
HELD_PIPE_SECONDS = 1.0
# How often what a run uses is looked at; a shorter one is held by the kernel's limits alone.
WATCH_SECONDS = 0.1
MAX_FRAME = 4 * 1024 * 1024
CHILDREN = f"/proc/self/task/{os.getpid()}/children"


class Run:
    """One script, from its fork to the last byte of its output."""

    __slots__ = ("id", "pid", "fds", "order", "orders", "cap", "unhandled", "read", "written", "truncated", "paused",
                 "expired", "overrun", "ttl", "grace", "held", "watch", "limits", "exit", "over")

    def __init__(self, id, pid, fds, order, cap, limits):
        self.id = id
        self.pid = pid
        self.fds = fds
        self.order = order
        self.orders = 0
        self.cap = cap
        self.unhandled = 0
        self.read = 0
        self.written = 0
        self.truncated = False
        self.paused = False
        self.expired = False
        self.overrun = None
        # (memory in bytes, processes and threads, output in bytes); 0: no limit.
        self.limits = limits
        self.watch = time.monotonic() + WATCH_SECONDS if limits[0] or limits[1] else None
        self.ttl = None
        self.grace = None
        self.held = None
        self.exit = None
        self.over = False

    def signal(self, number):
        # Until it is reaped its id is nobody else's; its group may outlive it, and keeps the id taken.
        try:
            os.killpg(self.pid, number)
        except OSError:
            pass


class Zygote:
    def __init__(self, control):
        self.control = control
        self.out = collections.deque()
        self.runs = {}
        self.by_pid = {}
        self.by_fd = {}
        self.poll = select.epoll()
        self.wake, self.waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.poll.register(control.fileno(), select.EPOLLIN)
        self.poll.register(self.wake, select.EPOLLIN)
        self.sending = False
        self.null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        self.buffer = bytearray(CHUNK)

    def serve(self):
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.waker, warn_on_full_buffer=False)
        self.send("ready", 0)
        self.flush()
        while True:
            try:
                ready = self.poll.poll(self.wait())
            except InterruptedError:
                ready = []
            reap = False
            for fd, events in ready:
                if fd == self.wake:
                    try:
                        os.read(self.wake, 4096)
                    except OSError:
                        pass
                    reap = True
                elif fd == self.control.fileno():
                    if events & ~select.EPOLLOUT and not self.receive():
                        return
                else:
                    self.ready(fd)
            if reap:
                self.reap()
            self.keep_time()
            if not self.flush():
                return

    # What the executor says.

    def receive(self):
        """False: the executor is gone."""
        try:
            head = self.control.recv(4, socket.MSG_WAITALL)
            if len(head) < 4:
                return False
            length = LENGTH.unpack(head)[0]
            if length > MAX_FRAME:
                return False
            frame = bytearray(length)
            if self.control.recv_into(frame, length, socket.MSG_WAITALL) < length:
                return False
        except BlockingIOError:
            return True
        except OSError:
            return False
        kind, id = HEAD.unpack_from(frame)
        if kind == CODE["fork"]:
            self.fork(id, frame)
            return True
        run = self.runs.get(id)
        # An order for a run that has just ended is late, not wrong.
        if run is None:
            return True
        value = LENGTH.unpack_from(frame, HEAD.size)[0]
        if kind == CODE["keepAlive"]:
            self.keep_alive(run, value)
        elif kind == CODE["stop"]:
            self.stop(run, value)
        elif kind == CODE["taken"]:
            self.taken(run, value)
        return True

    def fork(self, id, frame):
        ttl, cap, uid, gid, *limits = FORK_HEAD.unpack_from(frame, HEAD.size)
        opened = []
        try:
            out, out_child = pipe = os.pipe2(os.O_CLOEXEC)
            opened += pipe
            err, err_child = pipe = os.pipe2(os.O_CLOEXEC)
            opened += pipe
            order, order_child = socket.socketpair()
            pid = os.fork()
        except OSError as error:
            for fd in opened:
                os.close(fd)
            self.send("ended", id, {"kind": "unstartable", "message": f"no process could be forked: {error}"})
            return
        if pid == 0:
            become(frame, uid, gid, (self.null, out_child, err_child, order_child.fileno()))
        # Nothing of the request stays here, where the next child would find it.
        frame[:] = bytes(len(frame))
        os.close(out_child)
        os.close(err_child)
        order_child.close()
        order = order.detach()
        for fd in (out, err, order):
            os.set_blocking(fd, False)
            self.poll.register(fd, select.EPOLLIN)
        run = Run(id, pid, {out: "stdout", err: "stderr"}, order, cap, limits)
        self.runs[id] = self.by_pid[pid] = run
        for fd in (out, err, order):
            self.by_fd[fd] = run
        self.send("started", id, LENGTH.pack(pid))
        self.keep_alive(run, ttl)

    def keep_alive(self, run, ms):
        run.ttl = time.monotonic() + ms / 1000

    def stop(self, run, grace_ms):
        if run.exit is not None:
            return
        if grace_ms > 0:
            run.signal(signal.SIGTERM)
            run.grace = time.monotonic() + grace_ms / 1000
        else:
            run.signal(signal.SIGKILL)

    def taken(self, run, size):
        run.unhandled -= size
        if not run.paused or run.unhandled > WINDOW // 2:
            return
        run.paused = False
        for fd in run.fds:
            self.poll.register(fd, select.EPOLLIN)
        self.answer_order(run)

    # What the runs do.

    def ready(self, fd):
        run = self.by_fd.get(fd)
        if run is None:
            return
        if fd == run.order:
            self.ordered(run)
        elif not run.paused:
            self.read(run, fd)
        self.finish_when_quiet(run)

    def read(self, run, fd):
        """Reads once. True: there may be more."""
        try:
            size = os.readv(fd, [self.buffer])
        except BlockingIOError:
            return False
        except OSError:
            size = 0
        if size == 0:
            self.forget(fd)
            del run.fds[fd]
            return False
        run.read += size
        if run.limits[2] and run.read > run.limits[2]:
            self.overran(run, "outputBytes")
        kept = min(size, max(0, run.cap - run.written))
        run.truncated = run.truncated or kept < size
        if kept > 0:
            run.written += kept
            run.unhandled += kept
            self.send(run.fds[fd], run.id, bytes(memoryview(self.buffer)[:kept]))
        if run.held is not None:
            run.held = time.monotonic() + HELD_PIPE_SECONDS
        if run.unhandled > WINDOW and not run.paused:
            run.paused = True
            for open_fd in run.fds:
                self.poll.unregister(open_fd)
            return False
        return size == CHUNK

    def read_all(self, run):
        for fd in list(run.fds):
            while not run.paused and fd in run.fds and self.read(run, fd):
                pass

    def ordered(self, run):
        try:
            asked = os.read(run.order, 4096)
        except BlockingIOError:
            return
        except OSError:
            asked = b""
        if not asked:
            self.forget(run.order)
            run.order = None
            return
        run.orders += len(asked)
        self.answer_order(run)

    def answer_order(self, run):
        """Two pipes lose the order between them: the answer comes when all that was written before is read."""
        if run.orders == 0 or run.order is None:
            return
        self.read_all(run)
        if run.paused:
            return
        try:
            os.write(run.order, bytes(run.orders))
        except OSError:
            pass
        run.orders = 0

    def reap(self):
        ended = []
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            run = self.by_pid.pop(pid, None)
            if run is not None:
                run.exit = (status, usage)
                run.ttl = run.grace = run.watch = None
                run.signal(signal.SIGKILL)
                ended.append(run)
        if ended or any(run.exit is not None for run in self.runs.values()):
            left = self.kill_strays()
            for run in [run for run in self.runs.values() if run.exit is not None]:
                self.read_all(run)
                if not left:
                    run.held = time.monotonic() + HELD_PIPE_SECONDS
                    self.finish_when_quiet(run)

    def kill_strays(self):
        """Orphans of ended runs have become our children. True: some are left, and their end will wake us."""
        with open(CHILDREN, "rb") as children:
            strays = [pid for pid in map(int, children.read().split()) if pid not in self.by_pid]
        for pid in strays:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        return bool(strays)

    def finish_when_quiet(self, run):
        if run.exit is None or run.held is None or run.fds or run.over:
            return
        run.over = True
        if run.order is not None:
            self.forget(run.order)
        del self.runs[run.id]
        self.send("ended", run.id, outcome(run))

    def forget(self, fd):
        run = self.by_fd.pop(fd)
        # Closing alone is not enough: a child that was just forked may still hold a copy, and the poll would go on to tell of it.
        if fd == run.order or not run.paused:
            self.poll.unregister(fd)
        os.close(fd)

    # Time.

    def wait(self):
        """Seconds until something is due; -1: nothing is."""
        due = None
        for run in self.runs.values():
            for moment in (run.ttl, run.grace, run.held, run.watch):
                if moment is not None and (due is None or moment < due):
                    due = moment
        return -1 if due is None else max(0.0, due - time.monotonic())

    def keep_time(self):
        now = time.monotonic()
        for run in list(self.runs.values()):
            if run.ttl is not None and run.ttl <= now:
                run.ttl = None
                run.expired = True
                run.signal(signal.SIGKILL)
            if run.grace is not None and run.grace <= now:
                run.grace = None
                run.signal(signal.SIGKILL)
            if run.watch is not None and run.watch <= now:
                self.look(run)
            if run.held is not None and run.held <= now:
                if run.paused:
                    run.held = now + HELD_PIPE_SECONDS
                    continue
                # Somebody out of reach holds the pipe open.
                for fd in list(run.fds):
                    self.forget(fd)
                run.fds.clear()
                self.finish_when_quiet(run)

    def look(self, run):
        """At what the run and all that it started use."""
        memory, processes = usage_of(run.pid)
        if run.limits[0] and memory > run.limits[0]:
            self.overran(run, "memoryBytes")
        elif run.limits[1] and processes > run.limits[1]:
            self.overran(run, "processes")
        else:
            run.watch = time.monotonic() + WATCH_SECONDS

    def overran(self, run, limit):
        run.watch = None
        run.overrun = run.overrun or limit
        run.signal(signal.SIGKILL)

    # What the executor is told.

    def send(self, kind, id, body=b""):
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        self.out.append(LENGTH.pack(HEAD.size + len(body)) + HEAD.pack(CODE[kind], id) + body)

    def flush(self):
        """False: the executor is gone."""
        while self.out:
            data = b"".join(self.out) if len(self.out) > 1 else self.out[0]
            self.out.clear()
            try:
                sent = self.control.send(data, socket.MSG_DONTWAIT)
            except BlockingIOError:
                sent = 0
            except OSError:
                return False
            if sent < len(data):
                self.out.appendleft(data[sent:])
                if not self.sending:
                    self.sending = True
                    self.poll.modify(self.control.fileno(), select.EPOLLIN | select.EPOLLOUT)
                return True
        if self.sending:
            self.sending = False
            self.poll.modify(self.control.fileno(), select.EPOLLIN)
        return True

    def abandon(self):
        """The executor is gone: everything that it started goes too."""
        deadline = time.monotonic() + 5
        for run in self.runs.values():
            run.signal(signal.SIGKILL)
        while time.monotonic() < deadline:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            self.by_pid.pop(pid, None)
            self.kill_strays()
            if pid == 0:
                time.sleep(0.002)


def outcome(run):
    status, usage = run.exit
    used = {"maxRssBytes": usage.ru_maxrss * 1024, "cpuMs": round((usage.ru_utime + usage.ru_stime) * 1000)}
    common = {"truncated": run.truncated, "used": used}
    if run.overrun:
        return {"kind": "overrun", "limit": run.overrun, **common}
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


def usage_of(pid):
    """Memory that is no file's, in bytes, and processes with their threads, of a process and all that descend from it."""
    memory = threads = 0
    waiting = [pid]
    while waiting:
        process = waiting.pop()
        try:
            with open(f"/proc/{process}/status") as status:
                fields = dict(line.split(":", 1) for line in status)
            threads += int(fields["Threads"])
            memory += sum(int(fields[name].split()[0]) for name in ("RssAnon", "RssShmem")) * 1024
            for thread in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{thread}/children") as children:
                    waiting.extend(map(int, children.read().split()))
        except (OSError, KeyError):
            continue  # It has ended meanwhile.
    return memory, threads


def become(frame, uid, gid, descriptors):
    """In the child, and never returns: from a copy of the zygote to the process of one script."""
    fx_forked.run(memoryview(frame)[HEAD.size + FORK_HEAD.size :], uid, gid, descriptors)


def main():
    address, sdk, *modules = sys.argv[1:]
    fx_forked.prepare(sdk, modules[0].split(",") if modules else [])
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    control.connect(address)
    # The executor's signals are for it: it drains, and needs us until it is done.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    zygote = Zygote(control)
    # What lies here now is never looked at again by the collector, so that no child copies its pages.
    gc.collect()
    gc.freeze()
    try:
        zygote.serve()
    finally:
        zygote.abandon()


if __name__ == "__main__":
    main()
