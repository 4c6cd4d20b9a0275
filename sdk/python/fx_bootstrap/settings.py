"""Settings that Python and the kernel keep for a whole process, each with what sets it again."""
import _locale
import _signal
import _socket
import _thread
import gc
import os
import resource
import sys

# A name, for what cannot be set again; what tells it; what sets it.
_ALL = [
    ("recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    ("switch interval", sys.getswitchinterval, sys.setswitchinterval),
    ("hooks of asynchronous generators", sys.get_asyncgen_hooks, lambda hooks: sys.set_asyncgen_hooks(*hooks)),
    ("depth of coroutine origins", sys.get_coroutine_origin_tracking_depth, sys.set_coroutine_origin_tracking_depth),
    ("trace function", sys.gettrace, sys.settrace),
    ("profile function", sys.getprofile, sys.setprofile),
    ("flags of loaded libraries", sys.getdlopenflags, sys.setdlopenflags),
    ("stack size", _thread.stack_size, _thread.stack_size),
    ("time limit of sockets", _socket.getdefaulttimeout, _socket.setdefaulttimeout),
    ("state of the collector", gc.isenabled, lambda is_on: gc.enable() if is_on else gc.disable()),
    ("thresholds of the collector", gc.get_threshold, lambda found: gc.set_threshold(*found)),
    ("flags of the collector", gc.get_debug, gc.set_debug),
    ("locale", lambda: _locale.setlocale(_locale.LC_ALL), lambda found: _locale.setlocale(_locale.LC_ALL, found)),
    (
        "mask of signals",
        lambda: _signal.pthread_sigmask(_signal.SIG_BLOCK, ()),
        lambda mask: _signal.pthread_sigmask(_signal.SIG_SETMASK, mask),
    ),
    ("priority", lambda: os.getpriority(os.PRIO_PROCESS, 0), lambda found: os.setpriority(os.PRIO_PROCESS, 0, found)),
]
if hasattr(sys, "set_int_max_str_digits"):
    _ALL.append(("limit of digits", sys.get_int_max_str_digits, sys.set_int_max_str_digits))
if hasattr(os, "sched_getaffinity"):
    _ALL.append(("processors", lambda: os.sched_getaffinity(0), lambda found: os.sched_setaffinity(0, found)))

_LIMITS = sorted({getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")})


class Settings:
    def __init__(self):
        self._former = [tell() for _, tell, _ in _ALL]
        self._limits = _limits()
        self._are_limits_set = False
        self._set_limit = resource.setrlimit
        # To look at them all would be a twentieth of a short run.
        for name in ("setrlimit", "prlimit"):
            self._watch(name)

    def restore(self):
        """Answers what cannot be set again, in words."""
        kept = []
        found = [tell() for _, tell, _ in _ALL]
        if found != self._former:
            for (name, _, put), now, former in zip(_ALL, found, self._former):
                if now != former:
                    _put(kept, f"another {name}", put, former)
        if self._are_limits_set:
            self._are_limits_set = False
            for (limit, now), former in zip(_limits().items(), self._limits.values()):
                # The soft limit of processor time is each run's own.
                soft = now[0] if limit == resource.RLIMIT_CPU else former[0]
                if now != (soft, former[1]):
                    _put(kept, "a lowered limit", lambda pair: self._set_limit(limit, pair), (soft, former[1]))
        return kept

    def _watch(self, name):
        original = getattr(resource, name, None)
        if original is None:
            return

        def watched(*args, **kwargs):
            self._are_limits_set = True
            return original(*args, **kwargs)

        setattr(resource, name, watched)


def _limits():
    return {limit: resource.getrlimit(limit) for limit in _LIMITS}


def _put(kept, words, put, value):
    try:
        put(value)
    except (OSError, ValueError):
        kept.append(words)
