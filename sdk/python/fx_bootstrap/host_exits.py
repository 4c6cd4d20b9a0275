"""What one run registers to be done later, in a process that goes on: exit functions, and handlers and levels of `logging`."""
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
        add, set_level = logging.Logger.addHandler, logging.Logger.setLevel

        def add_handler(logger, handler):
            if not _is_importing(sys._getframe(1)):
                self._undo.append(lambda: _take_off(logger, handler))
            add(logger, handler)

        def set_logger_level(logger, level):
            if not _is_importing(sys._getframe(1)):
                former = logger.level
                self._undo.append(lambda: set_level(logger, former))
            set_level(logger, level)

        logging.Logger.addHandler, logging.Logger.setLevel = add_handler, set_logger_level

    def restore(self):
        while self._undo:
            self._undo.pop()()
        for reference in logging._handlerList:
            handler = reference()
            if handler is not None:
                _quietly(handler.flush)


def _take_off(logger, handler):
    logger.removeHandler(handler)
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
