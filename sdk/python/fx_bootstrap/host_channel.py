"""The channel of a process that runs a script again and again (src/executor/warm/warm-message.ts)."""
import _thread
import binascii
import os
import stat
import time
from json.encoder import encode_basestring

from fx_ef._channel import Channel, FxError, encode

# Of one frame of output; more is told in pieces.
_PIECE = 64 * 1024
# The clock that stamps files: CLOCK_REALTIME_COARSE of Linux.
_COARSE = 5


class HostChannel(Channel):
    """Says each word with the number of the run that it is of, and none while there is no run: the next frame that comes then is
    an order, and nobody's answer. Output may be said while a request waits for its answer.
    """

    _mark = None

    def __init__(self, path, nonce):
        super().__init__()
        self._sending = _thread.RLock()
        self.open(path, nonce)
        self.hosting = self.welcome["host"]
        self._pipes = _Pipes()

    def ready(self):
        self._send(b'{"ready":true}')

    def next_run(self):
        """Waits for the next order; None: there will be none."""
        try:
            order = self._receive()
        except FxError:
            return None
        self.welcome = order["welcome"]
        self._mark = b'"run":%d,' % order["run"]
        return order

    def output(self, stream, descriptor, data):
        """Says a piece of `data`, and answers how much of it."""
        piece = bytes(data[:_PIECE])
        if self._pid != os.getpid():
            # A process that was forked from this one has no word on its channel.
            return os.write(descriptor, piece)
        if self._mark is None:
            return len(piece)
        try:
            words = b'"text":%s' % encode_basestring(piece.decode()).encode()
        except UnicodeDecodeError:
            words = b'"base64":"%s"' % binascii.b2a_base64(piece, newline=False)
        # Two ways lose the order between them. Who prints in the middle of a request, from a handler of a signal, cannot make another.
        if self._pipes.were_written() is not False and not self._lock.locked():
            self.request("drain")
        self._send(b'{%s"output":"%s",%s}' % (self._mark, stream, words))
        return len(piece)

    def ended(self, code, leftovers):
        """The run is over. `leftovers`: words for what it has left, after which this process runs nothing more."""
        files = self._lowest_free()
        if files is None:
            leftovers = [*leftovers, "all the open files that it may have"]
        # The usual end is written by hand: it is one of each run.
        end = encode({"code": code, "leftovers": leftovers}) if leftovers else b'{"code":%d,"openFiles":%d}' % (code, files)
        piped = b',"piped":false' if self._pipes.were_written() is False else b""
        mark, self._mark = self._mark, None
        self._send(b'{%s"ended":%s%s}' % (mark, end, piped))

    def _lowest_free(self):
        """None: no descriptor is free."""
        try:
            free = os.dup(self._socket.fileno())
        except OSError:
            return None
        os.close(free)
        return free

    @property
    def standard_files_are_ours(self):
        return self._pipes.are_ours

    def _words(self, op, fields):
        if self._mark is None:
            raise FxError("unavailable", "the run is over")
        return super()._words(op, fields)

    def _send(self, body):
        # As the streams of Python do: a handler of a signal that came in the middle of a frame must not put its own into it.
        if self._sending._is_owned():
            raise RuntimeError("reentrant call on the run's channel")
        with self._sending:
            super()._send(body)


class _Pipes:
    """Knows whether descriptor 1 or 2 was written to, by whomever, since it was last asked."""

    def __init__(self):
        self._files = _identities()
        states = [os.fstat(descriptor) for descriptor in (1, 2)]
        # A pipe without a name keeps no time of its last write (Linux from 6.15 on); one that had a name has no links left.
        self._tell = all(stat.S_ISFIFO(state.st_mode) and state.st_nlink == 0 for state in states)
        self._times = [state.st_mtime_ns for state in states]
        self._asked = time.clock_gettime_ns(_COARSE) if self._tell else 0

    def were_written(self):
        """None: it cannot be told. True also where it was perhaps before."""
        if not self._tell:
            return None
        asked = time.clock_gettime_ns(_COARSE)
        try:
            times = [os.fstat(1).st_mtime_ns, os.fstat(2).st_mtime_ns]
        except OSError:
            return None
        # A stamp is only as fine as the clock's tick: one of the tick in which was last asked may be of after it.
        were = times != self._times or max(times) >= self._asked
        self._times, self._asked = times, asked
        return were

    @property
    def are_ours(self):
        """They, and what is there to be read."""
        try:
            return _identities() == self._files
        except OSError:
            return False


def _identities():
    states = [os.fstat(descriptor) for descriptor in (0, 1, 2)]
    return [(state.st_dev, state.st_ino) for state in states]
