"""Settings that Python and the kernel keep for a whole process, each with what sets it again."""
import _locale
import _signal
import _socket
import _thread
import gc
import os
import resource
import sys
from functools import partial

# Words for what cannot be set again; what tells it; what sets it.
_ALL = [
    ("another recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    ("another switch interval", sys.getswitchinterval, sys.setswitchinterval),
    ("other hooks of asynchronous generators", sys.get_asyncgen_hooks, lambda hooks: sys.set_asyncgen_hooks(*hooks)),
    ("another depth of coroutine origins", sys.get_coroutine_origin_tracking_depth, sys.set_coroutine_origin_tracking_depth),
    ("another trace function", sys.gettrace, sys.settrace),
    ("another profile function", sys.getprofile, sys.setprofile),
    ("other flags of loaded libraries", sys.getdlopenflags, sys.setdlopenflags),
    ("another stack size", _thread.stack_size, _thread.stack_size),
    ("another time limit of sockets", _socket.getdefaulttimeout, _socket.setdefaulttimeout),
    ("another state of the collector", gc.isenabled, lambda is_on: gc.enable() if is_on else gc.disable()),
    ("other thresholds of the collector", gc.get_threshold, lambda found: gc.set_threshold(*found)),
    ("other flags of the collector", gc.get_debug, gc.set_debug),
    ("another locale", lambda: _locale.setlocale(_locale.LC_ALL), lambda found: _locale.setlocale(_locale.LC_ALL, found)),
    (
        "another mask of signals",
        lambda: _signal.pthread_sigmask(_signal.SIG_BLOCK, ()),
        lambda mask: _signal.pthread_sigmask(_signal.SIG_SETMASK, mask),
    ),
]
if hasattr(sys, "set_int_max_str_digits"):
    _ALL.append(("another limit of digits", sys.get_int_max_str_digits, sys.set_int_max_str_digits))

_LIMITS = sorted({getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")})
# What the kernel keeps, and by which functions it is set: to ask for it all after each run would be a tenth of a short one.
_SETTERS = {resource: ("setrlimit", "prlimit"), os: ("nice", "setpriority", "sched_setaffinity")}


class Settings:
    def __init__(self):
        self._former = [tell() for _, tell, _ in _ALL]
        self._kernels = _kernels()
        self._former_kernels = [tell() for _, tell, _ in self._kernels]
        self._is_set = False
        for of, names in _SETTERS.items():
            for name in names:
                self._watch(of, name)

    def restore(self):
        """Answers what cannot be set again, in words."""
        kept = _set_again(_ALL, self._former)
        if self._is_set:
            self._is_set = False
            kept += _set_again(self._kernels, self._former_kernels)
        return kept

    def _watch(self, of, name):
        original = getattr(of, name, None)
        if original is None:
            return

        def watched(*args, **kwargs):
            self._is_set = True
            return original(*args, **kwargs)

        setattr(of, name, watched)


def _set_again(settings, former):
    kept = []
    found = [tell() for _, tell, _ in settings]
    if found != former:
        for (name, _, put), now, before in zip(settings, found, former):
            if now != before:
                try:
                    put(before)
                except (OSError, ValueError):
                    kept.append(name)
    return kept


def _kernels():
    settings = [_limit(number, resource.setrlimit) for number in _LIMITS]
    set_priority = os.setpriority
    settings.append(("another priority", _priority, lambda found: set_priority(os.PRIO_PROCESS, 0, found)))
    if hasattr(os, "sched_setaffinity"):
        settings.append(("other processors", lambda: os.sched_getaffinity(0), partial(os.sched_setaffinity, 0)))
    return settings


def _limit(number, put):
    if number == resource.RLIMIT_CPU:
        # The soft one is each run's own.
        hard = lambda: resource.getrlimit(number)[1]
        return "a lowered limit", hard, lambda found: put(number, (resource.getrlimit(number)[0], found))
    return "a lowered limit", lambda: resource.getrlimit(number), lambda found: put(number, found)


def _priority():
    return os.getpriority(os.PRIO_PROCESS, 0)
