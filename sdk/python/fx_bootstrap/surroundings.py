"""What Python keeps for a whole process, brought back between two runs to what it was before the first."""
import _signal
import builtins
import os
import sys
import warnings

# Those that a script can take, but for SIGKILL and SIGSTOP; the numbers are Linux's and macOS's alike.
_SIGNALS = [number for number in range(1, 32) if number in _signal.valid_signals() and number not in (9, int(_signal.SIGSTOP))]
_TIMERS = [getattr(_signal, name) for name in ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF") if hasattr(_signal, name)]


class Surroundings:
    def __init__(self, directory, path):
        self._directory = directory
        self._path = path
        # As bytes: through its mapping, a look at the environment would be a tenth of a short run.
        self._environment = dict(os.environ._data)
        self._umask = os.umask(0o022)
        os.umask(self._umask)
        self._handlers = [_signal.getsignal(number) for number in _SIGNALS]
        self._recursion = sys.getrecursionlimit()
        self._filters = list(warnings.filters)
        self._builtins = dict(vars(builtins))
        self._hooks = {name: getattr(sys, name) for name in ("excepthook", "displayhook", "unraisablehook")}
        self._stdin = sys.stdin
        self._locale = None

    def enter(self, arguments, variables):
        """Before a run."""
        wanted = dict(self._environment)
        for name, value in variables.items():
            wanted[os.fsencode(name)] = os.fsencode(value)
        found = os.environ._data
        if found != wanted:
            for name in [name for name in found if name not in wanted]:
                del os.environ[os.fsdecode(name)]
            for name, value in wanted.items():
                if found.get(name) != value:
                    os.environ[os.fsdecode(name)] = os.fsdecode(value)
        os.chdir(self._directory)
        sys.argv = arguments
        sys.path = list(self._path)
        if sys.stdin is not self._stdin or sys.stdin.closed:
            sys.stdin = self._stdin = open(0, closefd=False)
        if self._locale is None and "locale" in sys.modules:
            self._locale = sys.modules["locale"].setlocale(sys.modules["locale"].LC_ALL)

    def leave(self):
        """After a run. Answers what cannot be brought back, in words."""
        leftovers = []
        if sys.gettrace() is not None:
            sys.settrace(None)
        if sys.getprofile() is not None:
            sys.setprofile(None)
        for timer in _TIMERS:
            _signal.setitimer(timer, 0)
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
        sys.setrecursionlimit(self._recursion)
        for name, hook in self._hooks.items():
            setattr(sys, name, hook)
        if warnings.filters != self._filters:
            warnings.filters[:] = self._filters
            warnings._filters_mutated()
        names = vars(builtins)
        if names != self._builtins:
            names.update(self._builtins)
            for name in [name for name in names if name not in self._builtins]:
                del names[name]
        if self._locale is not None:
            locale = sys.modules["locale"]
            if locale.setlocale(locale.LC_ALL) != self._locale:
                locale.setlocale(locale.LC_ALL, self._locale)
        return leftovers
