"""Modules that a zygote imports ahead, because scripts of a service have been seen to import them.

Only what belongs to the interpreter itself: its standard library, and packages installed beside it. A package of a service never
runs in the zygote, which may be root. And only what is safe to fork: a trial in a child shows whether importing a package
starts threads, which a fork does not copy, or opens descriptors, which all forked children would share.
"""
import importlib
import os
import signal
import sys

BASE = os.path.realpath(sys.base_prefix) + os.sep
# These do something when they are imported, or are programs. The names come from scripts, so they may be anybody's idea.
EXCLUDED = {"test", "idlelib", "turtledemo", "antigravity", "this", "lib2to3", "ensurepip", "pip", "__main__"}
TRIAL_SECONDS = 2


def is_interpreters(module):
    spec = getattr(module, "__spec__", None)
    if spec is None or not spec.name or spec.name == "__main__":
        return False
    if spec.origin in ("built-in", "frozen"):
        return True
    if not spec.has_location:
        return False
    path = os.path.realpath(spec.origin)
    # An environment may lie below the interpreter's own directory. A run enters its own after the fork.
    own = os.path.realpath(sys.prefix) + os.sep
    return path.startswith(BASE) and (own == BASE or not path.startswith(own))


def load(names):
    """Imports what can be imported safely, package by package, in the order given."""
    packages = {}
    for name in names:
        if EXCLUDED.isdisjoint(name.split(".")):
            packages.setdefault(name.partition(".")[0], []).append(name)
    for package in packages.values():
        missing = [name for name in package if name not in sys.modules]
        if missing and is_safe(missing):
            bring(missing)


def bring(names):
    for name in names:
        try:
            importlib.import_module(name)
        except Exception:
            continue  # The script that needs it will say so itself.


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
