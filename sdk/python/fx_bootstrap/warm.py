"""Runs one script again and again, as `__main__` of its own each time, until there is nothing more to run.

Modules are imported once and stay, with all that they hold: that is what a warm process is for. All else that one run could
leave for the next is brought back, or reported, and then this process runs nothing more.
"""
import _thread
import contextvars
import gc
import os
import sys
import time
from resource import RLIMIT_CPU, RUSAGE_SELF, getrlimit, getrusage, setrlimit

import fx_bootstrap
import fx_ef
from fx_bootstrap.host_channel import HostChannel
from fx_bootstrap.host_exits import Exits, Logs, Permanent
from fx_bootstrap.host_output import Streams
from fx_bootstrap.surroundings import Surroundings
from fx_ef._channel import FxError
from fx_ef._context import Context

# Of a processor, before all that a process holds is looked at for the first time. A look takes one part in so many of them.
_FIRST_LOOK_SECONDS = 0.1
_LOOK_SHARE = 100
# The exit code of a process that cannot say how its run has ended (src/executor/warm/warm-message.ts).
_UNHEARD = 113


def serve(path, nonce):
    """Never returns. `path` and `nonce`: of its channel."""
    channel = HostChannel(path, nonce)
    host = _Host(channel, **channel.hosting)
    channel.ready()
    while True:
        order = channel.next_run()
        if order is None:
            sys.exit()
        try:
            host.run(order)
        except FxError:
            os._exit(_UNHEARD)


class _Host:
    def __init__(self, channel, directory, script):
        self._channel = channel
        self._context = Context(channel)
        self._pid = os.getpid()
        self._path = os.path.join(directory, script)
        self._streams = Streams(channel)
        self._exits = Exits(directory)
        self._logs = Logs()
        self._permanent = Permanent()
        self._look_due = time.process_time() + _FIRST_LOOK_SECONDS
        self._surroundings = Surroundings(directory, fx_bootstrap.search_path(self._path, directory))
        try:
            self._code = fx_bootstrap.compiled(self._path)
        except (OSError, SyntaxError, ValueError):
            self._code = None  # Each run will say so itself.

    def run(self, order):
        fx_ef._enter(self._context)
        self._surroundings.enter([self._path, order["welcome"]["argument"]], order["env"])
        self._streams.install()
        limit_time(order.get("cpuSeconds"))
        code = self._execute()
        if os.getpid() != self._pid:
            # A process that the script has forked has come to its end.
            self._streams.flush()
            os._exit(code)
        self._channel.ended(code, self._leave())

    def _execute(self):
        try:
            contextvars.copy_context().run(fx_bootstrap.run, self._path, self._code)
        except SystemExit as ended:
            return fx_bootstrap.exit_code(ended.code)
        return 0

    def _leave(self):
        """Ends the run as Python ends a process; answers what is left of it, in words."""
        leftovers = threads_left()
        if leftovers:
            end_threads()
        self._exits.run()
        self._logs.restore()
        fx_bootstrap.forget(sys.modules["__main__"])
        leftovers += self._surroundings.leave() + self._permanent.take()
        self._collect()
        # All of the run's code has been called by now: what that has started in its turn is not waited for.
        leftovers += [one for one in threads_left() if one not in leftovers]
        leftovers += processes_left()
        self._streams.flush()
        if not self._channel.standard_files_are_ours:
            leftovers.append("another file as descriptor 0, 1 or 2")
        # So that a look costs what a run has made, and not what there is.
        gc.freeze()
        return leftovers

    def _collect(self):
        """What the run has made; now and then all that is there, since what modules drop in later runs goes then alone."""
        begun = time.process_time()
        is_due = begun >= self._look_due
        if is_due:
            gc.unfreeze()
        gc.collect()
        if is_due:
            ended = time.process_time()
            self._look_due = ended + (ended - begun) * _LOOK_SHARE


def limit_time(seconds):
    """As Python sees it, the end of its time is a signal; who does not listen to that is ended by the executor."""
    hard = getrlimit(RLIMIT_CPU)[1]
    if seconds is not None:
        used = getrusage(RUSAGE_SELF)
        setrlimit(RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + seconds, hard))


def threads_left():
    count = _thread._count()
    if count == 0:
        return []
    threading = sys.modules.get("threading")
    others = [one for one in threading.enumerate() if one is not threading.main_thread()] if threading else []
    return [f"thread {one.name}" for one in others] or [f"{count} threads"]


def end_threads():
    """Waits for those that Python would wait for."""
    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()


def processes_left():
    """Those that have ended are collected."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return []
        if pid == 0:
            return ["a process that still runs"]
