"""The keeper of a zygote's runs: their output, their time and what they use, and all talk with the executor.

It is a process of its own, forked from the zygote before any run, because a fork inherits what its parent has ever read: a zygote
that relayed output would hand the output of one run, unredacted, to the next. So the zygote forks and waits, and the keeper reads;
pipes are made here and lent to the zygote for the length of a fork.

It speaks the launcher's protocol with the executor (src/executor/launcher/launcher-message.ts). A run is killed on `stop`, at the end
of its time to live, and when the executor is gone (rule D8).
"""
import collections
import json
import os
import select
import signal
import socket
import struct
import time

import run_group
from kept_run import Run, outcome
from run_usage import Limits, passed_now, processes_of
from zygote_words import BOXED, EXITED, FORK, FORK_HEAD, HEAD, KILL, LOOK, SIGNAL, STARTED, UNSTARTABLE, EXIT_BODY, PID

KINDS = ("start", "keepAlive", "stop", "taken", "ready", "started", "stdout", "stderr", "ended", "fork", "drain", "drained",
         "refused")
CODE = {name: index for index, name in enumerate(KINDS)}
LENGTH = struct.Struct(">I")
WINDOW = 256 * 1024
CHUNK = 64 * 1024
# Read of one run before others have their turn.
TURN = 1024 * 1024
HELD_PIPE_SECONDS = 1.0
# Questions for the order of output that are open at once.
MAX_ORDERS = 4096
# How often what a run uses is looked at, and when for the first time: from there on each look is twice as late as the one before. A shorter one
# is held by the kernel's limits alone.
WATCH_SECONDS = 0.1
FIRST_WATCH_SECONDS = 0.02
# A look at one run takes one part in so many of the time that all have.
LOOK_SHARE = 10
# How often a control group is looked at whose last processes were killed.
EMPTY_SECONDS = 0.002
# Longer than any start of a script; within what a message of the zygote's socket holds.
MAX_FORK = 128 * 1024
MAX_FRAME = 4 * 1024 * 1024
# A time to live that never ends, as it travels (src/executor/launcher/launcher-message.ts).
FOREVER = 0xFFFFFFFF


class Keeper:
    def __init__(self, control, zygote, directory, groups):
        self.control = control
        # Closed to everyone else.
        self.directory = directory
        self.zygote = zygote
        self.groups = groups
        self.owner = os.getppid()
        self.out = collections.deque()
        self.runs = {}
        self.by_fd = {}
        self.poll = select.epoll()
        self.poll.register(control.fileno(), select.EPOLLIN)
        self.poll.register(zygote.fileno(), select.EPOLLIN)
        self.sending = False
        self.buffer = bytearray(CHUNK)

    def serve(self, preloaded):
        """Returns when the executor or the zygote is gone. `preloaded`: what came of the modules to be imported ahead, None where there were none."""
        self.send("ready", 0, preloaded or b"")
        self.flush()
        while True:
            for fd, events in self.poll.poll(self.wait()):
                if fd == self.zygote.fileno():
                    if not self.hear():
                        return
                elif fd == self.control.fileno():
                    if events & ~select.EPOLLOUT and not self.receive():
                        return
                else:
                    self.ready(fd)
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
        if kind == CODE["drain"]:
            run.drains += 1
            self.answer_order(run)
            return True
        value = LENGTH.unpack_from(frame, HEAD.size)[0]
        if kind == CODE["keepAlive"]:
            run.heard += 1
            self.keep_alive(run, value)
        elif kind == CODE["stop"]:
            self.stop(run, value)
        elif kind == CODE["taken"]:
            self.taken(run, value)
        return True

    def fork(self, id, frame):
        flags, ttl, cap, uid, gid, *watched = FORK_HEAD.unpack_from(frame, HEAD.size)
        limits = Limits(*watched)
        boxed = bool(flags & BOXED)
        opened = []
        group = None
        try:
            if len(frame) > MAX_FORK:
                raise OSError(f"{len(frame)} bytes of paths and environment; at most {MAX_FORK} start a script")
            out, out_child = pipe = self.pipe(ttl)
            opened += pipe
            err, err_child = pipe = self.pipe(ttl)
            opened += pipe
            if uid >= 0:
                # Else it could not open /dev/stdout. It may read there what it writes; to others /proc refuses both.
                for end in (out_child, err_child):
                    os.fchown(end, uid, gid)
            order, order_child = (end.detach() for end in socket.socketpair())
            opened += (order, order_child)
            lent = [out_child, err_child, order_child]
            if self.groups:
                # Whoever waits for a sandbox's script is in there as well.
                most = limits.processes and limits.processes + boxed
                group = run_group.RunGroup(self.groups, self.owner, id, limits.memory, most)
                lent.append(group.fd)
            message = [HEAD.pack(FORK, id), memoryview(frame)[HEAD.size :]]
            socket.send_fds(self.zygote, message, lent)
        except OSError as error:
            for fd in opened:
                os.close(fd)
            if group is not None:
                group.remove()
            # A zygote that is about to be gone is no fault of the script's.
            kind = "lost" if isinstance(error, (BrokenPipeError, ConnectionResetError)) else "unstartable"
            self.send("ended", id, {"kind": kind, "message": f"no process could be forked: {error}"})
            return
        finally:
            frame[:] = bytes(len(frame))
        for fd in (out_child, err_child, order_child):
            os.close(fd)
        run = Run(id, {out: "stdout", err: "stderr"}, order, cap, limits, group, ttl == FOREVER, boxed)
        self.runs[id] = run
        for fd in (out, err, order):
            os.set_blocking(fd, False)
            self.poll.register(fd, select.EPOLLIN)
            self.by_fd[fd] = run
        self.keep_alive(run, ttl)

    def pipe(self, ttl):
        """One of a process that stays had a name: only such a pipe tells when it was last written to (Linux from 6.15 on)."""
        if ttl != FOREVER:
            return os.pipe2(os.O_CLOEXEC)
        path = os.path.join(self.directory, f"pipe{os.getpid()}")
        os.mkfifo(path, 0o600)
        try:
            end = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            return end, os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        finally:
            os.unlink(path)

    def signal(self, run, number):
        """The zygote alone knows whether the process is still there to take it, or its id another's by now."""
        self.zygote.send(HEAD.pack(KILL, run.id) + SIGNAL.pack(number))
        if number == signal.SIGKILL and run.group is not None:
            run.group.kill()

    # What the zygote says.

    def hear(self):
        """False: the zygote is gone."""
        try:
            message = self.zygote.recv(4096)
        except OSError:
            return False
        if not message:
            return False
        kind, id = HEAD.unpack_from(message)
        run = self.runs.get(id)
        if run is None:
            return True
        if kind == STARTED:
            run.pid = PID.unpack_from(message, HEAD.size)[0]
            self.send("started", id, message[HEAD.size :])
        elif kind == UNSTARTABLE:
            text = message[HEAD.size :].decode(errors="replace")
            run.exit = {"kind": "unstartable", "message": f"no process could be forked: {text}"}
            self.exited(run)
        elif kind == EXITED:
            run.exit = EXIT_BODY.unpack_from(message, HEAD.size)
            self.exited(run)
        return True

    def exited(self, run):
        """It and all that it left are gone: what is read now is all there is."""
        run.ttl = run.grace = run.watch = None
        run.held = time.monotonic() + HELD_PIPE_SECONDS
        if run.group is not None:
            passed = run.group.passed(run.exit[0] if isinstance(run.exit, tuple) else 0)
            if passed == "processes" and run.stays:
                self.refused(run)
            else:
                run.overrun = run.overrun or passed
            self.empty(run)
        self.read_all(run)
        self.finish_when_quiet(run)

    def empty(self, run):
        if run.group.remove():
            run.group = run.emptied = None
        else:
            run.emptied = time.monotonic() + EMPTY_SECONDS

    def keep_alive(self, run, ms):
        if run.exit is not None:
            return
        if ms == FOREVER:
            run.ttl = run.watch = None
            return
        now = time.monotonic()
        run.ttl = now + ms / 1000
        if run.watch is None and (run.limits.memory or run.limits.processes or run.limits.seconds):
            run.pace = FIRST_WATCH_SECONDS
            run.watch = now + run.pace
            run.looked = run.heard
            if run.group is not None and run.pid is not None:
                run.group.forgive()

    def stop(self, run, grace_ms):
        if run.exit is not None:
            return
        if grace_ms > 0:
            self.signal(run, signal.SIGTERM)
            run.grace = time.monotonic() + grace_ms / 1000
        else:
            self.signal(run, signal.SIGKILL)

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
            self.answer_order(run)
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
        if run.limits.output and run.read > run.limits.output:
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
        """What is there, as far as it is a turn's worth. True: that was all."""
        until = run.read + TURN
        for fd in list(run.fds):
            while not run.paused and fd in run.fds and self.read(run, fd):
                if run.read > until:
                    return False
        return True

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
        # Who asks waits for the answer. What comes without end must not be kept.
        run.orders = min(run.orders + len(asked), MAX_ORDERS)
        self.answer_order(run)

    def answer_order(self, run):
        """Two pipes lose the order between them: the answer comes when all that was written before is read."""
        if run.orders + run.drains == 0:
            return
        if not self.read_all(run) or run.paused:
            return
        for _ in range(run.drains):
            self.send("drained", run.id)
        run.drains = 0
        if run.order is not None and run.orders > 0:
            try:
                os.write(run.order, bytes(run.orders))
            except OSError:
                pass
        run.orders = 0

    def finish_when_quiet(self, run):
        if run.exit is None or run.held is None or run.fds or run.group is not None or run.over:
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
            for moment in (run.ttl, run.grace, run.held, run.emptied, run.pid and run.watch):
                if moment is not None and (due is None or moment < due):
                    due = moment
        return -1 if due is None else max(0.0, due - time.monotonic())

    def keep_time(self):
        now = time.monotonic()
        for run in list(self.runs.values()):
            if run.ttl is not None and run.ttl <= now:
                run.ttl = None
                run.expired = True
                self.signal(run, signal.SIGKILL)
            if run.grace is not None and run.grace <= now:
                run.grace = None
                self.signal(run, signal.SIGKILL)
            if run.watch is not None and run.watch <= now and run.pid is not None:
                self.look(run)
            if run.emptied is not None and run.emptied <= now:
                self.empty(run)
                self.finish_when_quiet(run)
            if run.held is not None and run.held <= now:
                if run.paused:
                    run.held = now + HELD_PIPE_SECONDS
                    continue
                # Somebody out of reach holds the pipe open.
                for fd in list(run.fds):
                    self.forget(fd)
                run.fds.clear()
                run.held = now + HELD_PIPE_SECONDS
                self.finish_when_quiet(run)

    def look(self, run):
        """At what the run and all that it started use."""
        begun = time.monotonic()
        passed = self.passed_of_group(run) if run.group is not None else self.passed_by_looks(run)
        if passed:
            self.overran(run, passed)
        else:
            ended = time.monotonic()
            run.pace = min(2 * run.pace, WATCH_SECONDS)
            run.watch = ended + max(run.pace, (ended - begun) * LOOK_SHARE)

    def passed_of_group(self, run):
        passed = run.group.passed()
        if passed == "processes" and run.stays:
            self.refused(run)
            passed = None
        run.looked = run.heard
        # The group keeps no limit of time.
        if not passed and run.limits.seconds:
            passed = passed_now(Limits(0, 0, 0, run.limits.seconds), processes_of(run.pid, run.boxed))
        return passed

    def passed_by_looks(self, run):
        # Who made its children the zygote's own has taken them out of the count: they are killed.
        self.zygote.send(HEAD.pack(LOOK, run.id))
        return passed_now(run.limits, processes_of(run.pid, run.boxed))

    def refused(self, run):
        """Since it was last looked at it was refused a process, perhaps in a run that is over."""
        self.send("refused", run.id, LENGTH.pack(run.looked))
        run.group.forgive()

    def overran(self, run, limit):
        run.watch = None
        run.overrun = run.overrun or limit
        self.signal(run, signal.SIGKILL)

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


def run(address, zygote, groups, preloaded):
    """In the keeper's own process, and never returns. `groups`: the directory for control groups of runs, "" where there are none."""
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    control.connect(address)
    keeper = Keeper(control, zygote, os.path.dirname(address), groups)
    try:
        keeper.serve(preloaded)
    finally:
        # The zygote sees its end of the socket close, and takes all runs along. It may be gone itself.
        if groups:
            run_group.remove_all(groups, lambda owner: owner == str(keeper.owner))
        os._exit(0)
