"""stdout and stderr of a process that runs a script again and again: by line, said on its channel."""
import io
import sys


class _Raw(io.RawIOBase):
    def __init__(self, channel, stream, descriptor):
        super().__init__()
        self._channel = channel
        self._stream = stream
        self._descriptor = descriptor

    def fileno(self):
        return self._descriptor

    def writable(self):
        return True

    def write(self, data):
        return self._channel.output(self._stream, self._descriptor, data)


class _Text(io.TextIOWrapper):
    def __init__(self, raw, errors, name):
        super().__init__(io.BufferedWriter(raw, 64 * 1024), encoding="utf-8", errors=errors, line_buffering=True)
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

    def is_as_made(self, errors):
        try:
            return not self.closed and self.line_buffering and (self.encoding, self.errors) == ("utf-8", errors)
        except ValueError:
            return False  # Its buffer was taken away.


class Streams:
    """They stay the same from run to run, so that what a module keeps of them goes on to work; a spoiled one is made anew."""

    def __init__(self, channel):
        self._channel = channel
        self._make()

    def _make(self):
        self.out = _Text(_Raw(self._channel, b"stdout", 1), "surrogateescape", "<stdout>")
        self.err = _Text(_Raw(self._channel, b"stderr", 2), "backslashreplace", "<stderr>")
        self.out.other, self.err.other = self.err, self.out

    def install(self):
        if not (self.out.is_as_made("surrogateescape") and self.err.is_as_made("backslashreplace")):
            self._make()
        sys.stdout = sys.__stdout__ = self.out
        sys.stderr = sys.__stderr__ = self.err

    def flush(self):
        for stream in (sys.stdout, sys.stderr, self.out, self.err):
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):
                pass  # The script has put something else in its place, or closed it.
