"""What Python keeps for a whole process, brought back between two runs to what it was before the first."""
import _signal
import builtins
import os
import sys
import threading
import time
import warnings

from fx_bootstrap.settings import Settings

# Those that a script can take, but for SIGKILL and SIGSTOP; the numbers are Linux's and macOS's alike.
_SIGNALS = [number for number in range(1, 32) if number in _signal.valid_signals() and number not in (9, int(_signal.SIGSTOP))]
# Those at which faulthandler shows where a process is, if it is told to; of the others it takes care by itself.
_FAULTS = {_signal.SIGILL, _signal.SIGABRT, _signal.SIGBUS, _signal.SIGFPE, _signal.SIGSEGV}
_SHOWING = [number for number in _SIGNALS if number not in _FAULTS]
_TIMERS = [getattr(_signal, name) for name in ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF") if hasattr(_signal, name)]
_MISSING = object()
_HOOKS = {
    os: ("environ",),
    sys: (
        "excepthook", "displayhook", "unraisablehook", "breakpointhook", "tracebacklimit", "dont_write_bytecode", "pycache_prefix",
    ),
    threading: ("excepthook", "_trace_hook", "_profile_hook"),
}


class Surroundings:
    def __init__(self, directory, path):
        self._directory = directory
        self._path = path
        # As bytes: through its mapping, a look at the environment would be a tenth of a short run.
        self._environment = dict(os.environ._data)
        self._zone = _zone()
        self._umask = os.umask(0o022)
        os.umask(self._umask)
        self._handlers = [_signal.getsignal(number) for number in _SIGNALS]
        self._filters = list(warnings.filters)
        self._show_warning = warnings.showwarning
        self._builtins = dict(vars(builtins))
        self._hooks = [(vars(of), name, vars(of).get(name, _MISSING)) for of, names in _HOOKS.items() for name in names]
        self._stdin = sys.stdin
        faults = sys.modules.get("faulthandler")
        self._looks_at_faults = faults is not None and faults.is_enabled()
        self._traced_frames = _traced_frames()
        self._settings = Settings()
        self._seed = None
        self._is_seeded = False

    def enter(self, arguments, variables):
        """Before a run."""
        wanted = dict(self._environment)
        for name, value in variables.items():
            wanted[os.fsencode(name)] = os.fsencode(value)
        found = os.environ._data
        is_moved = _zone() != self._zone or found.get(b"TZ") != wanted.get(b"TZ")
        if found != wanted:
            for name in [name for name in found if name not in wanted]:
                del os.environ[os.fsdecode(name)]
            for name, value in wanted.items():
                if found.get(name) != value:
                    os.environ[os.fsdecode(name)] = os.fsdecode(value)
        if is_moved:
            time.tzset()
        os.chdir(self._directory)
        sys.argv = arguments
        sys.path = list(self._path)
        if sys.stdin is not self._stdin or sys.stdin.closed:
            sys.stdin = self._stdin = open(0, closefd=False)

    def leave(self):
        """After a run. Answers what cannot be brought back, in words."""
        leftovers = self._settings.restore()
        for timer in _TIMERS:
            _signal.setitimer(timer, 0)
        self._look_at_faults()
        self._trace_memory()
        handlers = [_signal.getsignal(number) for number in _SIGNALS]
        if handlers != self._handlers:
            for number, found, former in zip(_SIGNALS, handlers, self._handlers):
                if found is former:
                    continue
                if former is None:
                    leftovers.append(f"a handler of signal {number}")
                else:
                    _signal.signal(number, former)
        os.umask(self._umask)
        for of, name, hook in self._hooks:
            if of.get(name, _MISSING) is not hook:
                of[name] = hook
                if hook is _MISSING:
                    del of[name]
        if warnings.filters != self._filters:
            warnings.filters[:] = self._filters
            warnings._filters_mutated()
        if _is_scripts(warnings.showwarning):
            warnings.showwarning = self._show_warning
        names = vars(builtins)
        if names != self._builtins:
            names.update(self._builtins)
            for name in [name for name in names if name not in self._builtins]:
                del names[name]
        for finders in (sys.meta_path, sys.path_hooks):
            if any(map(_is_scripts, finders)):
                finders[:] = [one for one in finders if not _is_scripts(one)]
        self._forget_loops()
        self._seed_anew()
        return leftovers

    def _look_at_faults(self):
        """As before, and of no signal or moment that a run has named."""
        faults = sys.modules.get("faulthandler")
        if faults is None:
            return
        faults.cancel_dump_traceback_later()
        for number in _SHOWING:
            faults.unregister(number)
        if faults.is_enabled() != self._looks_at_faults:
            faults.enable(2) if self._looks_at_faults else faults.disable()

    def _trace_memory(self):
        """As before: who traces pays for each thing that is made."""
        memory = sys.modules.get("_tracemalloc")
        if memory is not None and _traced_frames() != self._traced_frames:
            memory.stop()
            if self._traced_frames > 0:
                memory.start(self._traced_frames)

    def _forget_loops(self):
        """A run begins with no event loop. What policy makes them stays, unless it is the script's own."""
        events = sys.modules.get("asyncio.events")
        policy = getattr(events, "_event_loop_policy", None)
        if policy is None:
            return
        if _is_scripts(policy):
            events._event_loop_policy = None
        else:
            own = getattr(policy, "_local", None)
            # The first until 3.13, where a run may also have set that there is none.
            if getattr(own, "_set_called", False) or getattr(own, "_loop", None) is not None:
                policy._local = policy._Local()

    def _seed_anew(self):
        """Who has seeded `random` has done so for one run."""
        random = sys.modules.get("random")
        if random is None:
            return
        if self._seed is None:
            self._seed, self._is_seeded = random.seed, True

            def seed(*args, **kwargs):
                self._is_seeded = True
                return self._seed(*args, **kwargs)

            random.seed = seed
        if self._is_seeded:
            self._seed()
            self._is_seeded = False


def _traced_frames():
    """Of each thing that is made; 0: none is traced."""
    memory = sys.modules.get("_tracemalloc")
    return memory.get_traceback_limit() if memory is not None and memory.is_tracing() else 0


def _zone():
    return time.tzname, time.timezone, time.altzone, time.daylight


def _is_scripts(thing):
    return getattr(thing, "__module__", None) == "__main__"
