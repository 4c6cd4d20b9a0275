"""What one run registers, in a process that goes on: exit functions, what it sets up of `logging`, and hooks for good."""
import atexit
import logging
import os
import sys
import types


class Exits:
    """Functions that the service's code registers while a run is under way are the run's; those of modules, at their import, the process's."""

    def __init__(self, directory):
        self._below = directory + os.sep
        self._own = []
        self._register, self._unregister = atexit.register, atexit.unregister
        atexit.register, atexit.unregister = self.register, self.unregister

    def register(self, function, *args, **kwargs):
        caller = sys._getframe(1)
        if not caller.f_code.co_filename.startswith(self._below) or _is_importing(caller):
            return self._register(function, *args, **kwargs)
        self._own.append((function, args, kwargs))
        return function

    def unregister(self, function):
        self._own = [entry for entry in self._own if entry[0] != function]
        self._unregister(function)

    def run(self):
        while self._own:
            function, args, kwargs = self._own.pop()
            try:
                function(*args, **kwargs)
            except BaseException as error:
                sys.unraisablehook(
                    types.SimpleNamespace(
                        exc_type=type(error),
                        exc_value=error,
                        exc_traceback=error.__traceback__,
                        err_msg="Exception ignored in atexit callback",
                        object=function,
                    )
                )


class Logs:
    """What a run sets up of `logging` it sets up again in the next; what a module does at its import stays."""

    def __init__(self):
        self._undo = []
        logger, filterer, manager = logging.Logger, logging.Filterer, logging.root.manager
        add, remove = logger.addHandler, logger.removeHandler
        # What each does is undone by what the function beside it answers, to the same arguments, before.
        self._watch(logger, "addHandler", lambda of, one: one not in of.handlers and (lambda: _take_off(remove, of, one)))
        self._watch(logger, "removeHandler", lambda of, one: one in of.handlers and (lambda: add(of, one)))
        self._watch(logger, "setLevel", lambda of, level: _setter(of, "level", manager._clear_cache))
        self._watch(filterer, "addFilter", lambda of, one: one not in of.filters and (lambda: of.removeFilter(one)))
        self._watch(logging, "disable", lambda level=None: _setter(manager, "disable", manager._clear_cache))
        self._watch(logging, "setLogRecordFactory", lambda factory: _setter(logging, "_logRecordFactory"))
        self._watch(logging, "setLoggerClass", lambda kind: _setter(logging, "_loggerClass"))
        capture = logging.captureWarnings
        self._watch(logging, "captureWarnings", lambda on: logging._warnings_showwarning is None and (lambda: capture(False)))

    def _watch(self, of, name, undo_of):
        original = getattr(of, name)

        def watched(*args, **kwargs):
            if not _is_importing(sys._getframe(1)):
                undo = undo_of(*args, **kwargs)
                if undo:
                    self._undo.append(undo)
            return original(*args, **kwargs)

        setattr(of, name, watched)

    def restore(self):
        while self._undo:
            self._undo.pop()()
        for reference in logging._handlerList:
            handler = reference()
            if handler is not None:
                _quietly(handler.flush)


class Permanent:
    """What Python takes and gives no more back."""

    def __init__(self):
        self._words = []
        self._watch(sys, "addaudithook", "an audit hook")
        if hasattr(os, "register_at_fork"):
            self._watch(os, "register_at_fork", "a function called at forks")

    def take(self):
        words, self._words = self._words, []
        return words

    def _watch(self, of, name, words):
        original = getattr(of, name)

        def watched(*args, **kwargs):
            if not _is_importing(sys._getframe(1)) and words not in self._words:
                self._words.append(words)
            return original(*args, **kwargs)

        setattr(of, name, watched)


def _setter(of, name, then=lambda: None):
    """What gives an attribute the value again that it has now."""
    former = getattr(of, name)

    def set_again():
        setattr(of, name, former)
        then()

    return set_again


def _take_off(remove, logger, handler):
    remove(logger, handler)
    _quietly(handler.close)


def _quietly(act):
    try:
        act()
    except (OSError, ValueError):
        pass  # What it writes to is closed.


def _is_importing(frame):
    """Whether a module is being imported, the script itself aside."""
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") != "__main__":
            return True
        frame = frame.f_back
    return False
