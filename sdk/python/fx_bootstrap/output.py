"""stdout and stderr by line, and in order between the two."""
import _thread
import io
import os
import sys

_ORDER = 3


class _Order:
    """Two pipes lose the order between them: before the first write to the other one, waits until all before is read."""

    def __init__(self):
        self._lock = _thread.allocate_lock()
        self._last = 1
        self._line = None

    def begin(self, line):
        self._line = line

    def before(self, descriptor):
        if descriptor == self._last or self._line is None:
            return
        with self._lock:
            if descriptor == self._last:
                return
            try:
                # A script may have closed the descriptor and opened its own in its place.
                if os.path.samestat(os.fstat(_ORDER), self._line):
                    os.write(_ORDER, b"\n")
                    os.read(_ORDER, 1)
            except OSError:
                self._line = None
            self._last = descriptor


class _Raw(io.FileIO):
    def __init__(self, descriptor, order):
        super().__init__(descriptor, "w", closefd=False)
        self._order = order

    def write(self, data):
        self._order.before(self.fileno())
        return super().write(data)


class _Text(io.TextIOWrapper):
    def __init__(self, descriptor, order, errors, name):
        super().__init__(
            io.BufferedWriter(_Raw(descriptor, order), 64 * 1024), encoding="utf-8", errors=errors, line_buffering=True
        )
        self.mode = "w"
        self._shown = name
        self.other = None

    @property
    def name(self):
        return self._shown

    def write(self, text):
        # A line begun on the other one was there first.
        if self.other is not None and not self.other.closed:
            self.other.flush()
        return super().write(text)


_order = None


def prepare():
    """Puts the streams in their place: of a process that is still to be forked, which has no run to keep in order."""
    global _order
    _order = _Order()
    out = _Text(1, _order, "surrogateescape", "<stdout>")
    err = _Text(2, _order, "backslashreplace", "<stderr>")
    out.other, err.other = err, out
    sys.stdout = sys.__stdout__ = out
    sys.stderr = sys.__stderr__ = err


def begin(line=None):
    """`line`: what `os.fstat` says of the descriptor for the order, where that was asked before."""
    if _order is None:
        prepare()
    _order.begin(line or _stat_of(_ORDER))


def _stat_of(descriptor):
    """None: it is closed."""
    try:
        return os.fstat(descriptor)
    except OSError:
        return None
