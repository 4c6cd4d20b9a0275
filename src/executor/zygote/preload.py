"""Modules that a zygote imports ahead, because scripts of a service have been seen to import them.

Only what belongs to the interpreter itself: its standard library, and packages installed beside it, where not everybody may write
to them. A package of a service never runs in the zygote, which may be root. The names come from scripts, so they may be anybody's idea:
nothing that is not the interpreter's own is run even for a trial. And only what is safe to fork: that trial, in a child, shows
whether importing a package starts threads, which a fork does not copy, or opens descriptors, which all forked children would share.
"""
import importlib
import os
import signal
import stat
import sys
import time

BASE = os.path.realpath(sys.base_prefix) + os.sep
# These do something when they are imported, or are programs.
EXCLUDED = {"test", "idlelib", "turtledemo", "antigravity", "this", "lib2to3", "ensurepip", "pip", "__main__"}
# Fewer are imported as quickly as they are told of, and are not worth a zygote.
WORTH_IT = 15
TRIAL_SECONDS = 2
# Nothing more is begun after that: whoever starts a zygote does not wait for ever.
LOAD_SECONDS = 4


def is_interpreters(module):
    spec = getattr(module, "__spec__", None)
    return spec is not None and bool(spec.name) and spec.name != "__main__" and path_of(spec) is not None


def path_of(spec):
    """Of the interpreter's own, "" where it has no file; None: it is somebody else's."""
    if spec.origin in ("built-in", "frozen"):
        return ""
    if not spec.has_location:
        return None
    path = os.path.realpath(spec.origin)
    # An environment may lie below the interpreter's own directory. A run enters its own after the fork.
    own = os.path.realpath(sys.prefix) + os.sep
    return path if path.startswith(BASE) and (own == BASE or not path.startswith(own)) else None


def load(names):
    """Imports what can be imported safely, package by package, in the order given. Answers for src/executor/zygote/preload.ts."""
    until = time.monotonic() + LOAD_SECONDS
    held = len(sys.modules)
    packages = {}
    for name in names:
        if EXCLUDED.isdisjoint(name.split(".")):
            packages.setdefault(name.partition(".")[0], []).append(name)
    for package, parts in packages.items():
        missing = [name for name in parts if name not in sys.modules]
        if missing and time.monotonic() < until and may_run(package, None) and is_safe(missing):
            bring(missing)
    refused = [name for name in names if name not in sys.modules]
    return {"isWorthIt": len(sys.modules) - held >= WORTH_IT, "refused": refused}


def bring(names):
    for name in names:
        try:
            bring_one(name)
        except Exception:
            continue  # The script that needs it will say so itself.


def bring_one(name):
    path, parts = None, name.split(".")
    for end in range(1, len(parts) + 1):
        part = ".".join(parts[:end])
        if part not in sys.modules:
            if not may_run(part, path):
                return
            importlib.import_module(part)
        path = getattr(sys.modules[part], "__path__", ())


def may_run(name, path):
    """Asked before anything of it is run. `path`: where its package lies, None where it is in none."""
    if name in sys.modules:
        return True
    try:
        spec = next(filter(None, (finder.find_spec(name, path) for finder in sys.meta_path)), None)
        file = None if spec is None else path_of(spec)
        return file is not None and (file == "" or not (is_for_all(file) or is_for_all(os.path.dirname(file))))
    except Exception:
        return False  # Its finder is as unknown as its name.


def is_for_all(path):
    """Whether everybody may write to it, scripts too."""
    return bool(os.stat(path).st_mode & stat.S_IWOTH)


def is_safe(names):
    child = os.fork()
    if child == 0:
        code = 1
        signal.alarm(TRIAL_SECONDS)
        try:
            before = descriptors()
            bring(names)
            known = all(name not in sys.modules or is_interpreters(sys.modules[name]) for name in names)
            code = 0 if known and len(os.listdir("/proc/self/task")) == 1 and descriptors() == before else 1
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


def descriptors():
    # One of them is that of the listing itself.
    return len(os.listdir("/proc/self/fd"))
