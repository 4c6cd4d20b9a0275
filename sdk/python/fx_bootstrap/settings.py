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

# Of tools that follow what Python runs (PEP 669), from 3.12 on.
_monitoring = getattr(sys, "monitoring", None)


def _monitors():
    return [_monitoring.get_tool(number) for number in range(6)]


def _put_monitors(former):
    """Until 3.13 nothing takes back what a tool has asked to be told of single functions."""
    for number, (now, before) in enumerate(zip(_monitors(), former)):
        if now != before:
            if before is not None or not hasattr(_monitoring, "clear_tool_id"):
                raise ValueError
            _monitoring.free_tool_id(number)


# Words for what cannot be set again; what tells it; what sets it.
_ALL = [
    ("another recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    ("another switch interval", sys.getswitchinterval, sys.setswitchinterval),
    ("other hooks of asynchronous generators", sys.get_asyncgen_hooks, lambda hooks, put=sys.set_asyncgen_hooks: put(*hooks)),
    ("another depth of coroutine origins", sys.get_coroutine_origin_tracking_depth, sys.set_coroutine_origin_tracking_depth),
    ("another trace function", sys.gettrace, sys.settrace),
    ("another profile function", sys.getprofile, sys.setprofile),
    ("other flags of loaded libraries", sys.getdlopenflags, sys.setdlopenflags),
    ("another stack size", _thread.stack_size, _thread.stack_size),
    ("another time limit of sockets", _socket.getdefaulttimeout, _socket.setdefaulttimeout),
    # It is started last: by then it tells nobody of its work, and works as often as before.
    ("other flags of the collector", gc.get_debug, gc.set_debug),
    ("other thresholds of the collector", gc.get_threshold, lambda found, put=gc.set_threshold: put(*found)),
    ("another state of the collector", gc.isenabled, lambda is_on, puts=(gc.disable, gc.enable): puts[is_on]()),
    ("another locale", partial(_locale.setlocale, _locale.LC_ALL), partial(_locale.setlocale, _locale.LC_ALL)),
    (
        "another mask of signals",
        partial(_signal.pthread_sigmask, _signal.SIG_BLOCK, ()),
        partial(_signal.pthread_sigmask, _signal.SIG_SETMASK),
    ),
]
if hasattr(sys, "set_int_max_str_digits"):
    _ALL.append(("another limit of digits", sys.get_int_max_str_digits, sys.set_int_max_str_digits))
if _monitoring is not None:
    _ALL.append(("a monitor of events", _monitors, _put_monitors))
# From 3.15 on.
if hasattr(sys, "set_lazy_imports"):
    _ALL.append(("other lazy imports", sys.get_lazy_imports, sys.set_lazy_imports))
    _ALL.append(("another filter of lazy imports", sys.get_lazy_imports_filter, sys.set_lazy_imports_filter))

_LIMITS = sorted({getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")})
# By which functions all of it is set. A module that is there may hold one under a name of its own.
_SETTERS = {
    "sys": (
        "setrecursionlimit", "setswitchinterval", "set_asyncgen_hooks", "set_coroutine_origin_tracking_depth", "settrace", "setprofile",
        "setdlopenflags", "set_int_max_str_digits", "_settraceallthreads", "_setprofileallthreads", "set_lazy_imports",
        "set_lazy_imports_filter",
    ),
    "gc": ("enable", "disable", "set_threshold", "set_debug"),
    "_locale": ("setlocale",),
    "locale": ("_setlocale",),
    "_signal": ("pthread_sigmask",),
    "_socket": ("setdefaulttimeout",),
    "socket": ("setdefaulttimeout",),
    "_thread": ("stack_size",),
    "threading": ("stack_size",),
    "resource": ("setrlimit", "prlimit"),
    "os": ("nice", "setpriority", "sched_setaffinity"),
}


class Settings:
    """Looked at only after a run that has set one: to ask for them all would be a tenth of a short run."""

    def __init__(self):
        self._all = [*_ALL, *_kernels()]
        self._former = [tell() for _, tell, _ in self._all]
        self._is_set = False
        for module, names in _SETTERS.items():
            for name in names:
                if hasattr(sys.modules.get(module), name):
                    self._watch(sys.modules[module], name)
        if _monitoring is not None:
            self._watch(_monitoring, "use_tool_id")

    def restore(self):
        """Answers what cannot be set again, in words."""
        if not self._is_set:
            return []
        self._is_set = False
        return _set_again(self._all, self._former)

    def _watch(self, of, name):
        original = getattr(of, name)

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
