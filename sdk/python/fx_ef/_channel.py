"""The private channel of one run: frames of a length (4 bytes, big-endian) and JSON."""
import _socket
import _thread
import errno
import json
import os

MAX_VALUE_BYTES = 4 * 1024 * 1024


class FxError(Exception):
    """The platform refused what the script asked for.

    code: one of invalid-input, not-found, conflict, forbidden, limit-exceeded, unavailable, timeout, lease-lost, corrupt.
    """

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def encode(value):
    """JSON in UTF-8. Raises TypeError or ValueError for what JSON cannot hold, FxError for what is too large."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    body = text.encode("utf-8", "surrogatepass")
    if len(body) > MAX_VALUE_BYTES:
        raise FxError(
            "limit-exceeded",
            f"{len(body)} bytes of JSON; one event, value or log line may have at most {MAX_VALUE_BYTES}",
        )
    return body


class Channel:
    """Safe to use from several threads: one request is under way at a time."""

    # What goes ahead of the words of each frame.
    _mark = b""

    def __init__(self):
        """Of no run yet, so that it can be made ahead of a fork."""
        self._lock = _thread.allocate_lock()
        self._next_id = 1
        self.welcome = None

    def open(self, path, nonce, welcome=None):
        """Itself. `welcome`: what the platform would say first, where it is known; then the channel is dialled when it is needed."""
        self._pid = os.getpid()
        # There from the begin: a script that has no descriptor left still has this one.
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self._address = path, nonce
        self.welcome = welcome
        if welcome is None:
            self.welcome = self._dial()
        return self

    def _dial(self):
        path, nonce = self._address
        self._address = None
        try:
            self._socket.connect(path)
        except OSError as error:
            raise _closed(error) from None
        self._send(json.dumps({"nonce": nonce}).encode())
        return self._receive()

    def request(self, op, **fields):
        """Returns the answer's value. Raises FxError when it is refused."""
        body = self._words(op, fields)
        with self._lock:
            request_id = self._next_id
            self._next_id += 1
            self._send(b'{%s"id":%d,%s' % (self._mark, request_id, body))
            answer = self._receive()
        error = answer.get("error")
        if error is not None:
            raise FxError(error["code"], error["message"])
        return answer["value"]

    def tell(self, op, **fields):
        """Sends what needs no answer."""
        body = self._words(op, fields)
        with self._lock:
            self._send(b"{%s%s" % (self._mark, body))

    def _words(self, op, fields):
        if self._pid != os.getpid():
            raise FxError("forbidden", "the run's context belongs to the script's own process, not to one forked from it")
        return encode({"op": op, **fields})[1:]

    def _send(self, body):
        if self._address is not None:
            self._dial()
        try:
            self._socket.sendall(len(body).to_bytes(4, "big") + body)
        except OSError as error:
            raise _closed(error) from None

    def _receive(self):
        length = int.from_bytes(self._read(4), "big")
        return json.loads(self._read(length))

    def _read(self, size):
        pieces = bytearray()
        while len(pieces) < size:
            try:
                piece = self._socket.recv(min(size - len(pieces), 1 << 20))
            except OSError as error:
                raise _closed(error) from None
            if not piece:
                raise _closed()
            pieces += piece
        return pieces


def _closed(error=None):
    if error is not None and error.errno in (errno.EBADF, errno.ENOTSOCK):
        return FxError("unavailable", "the script has closed the descriptor of the run's channel")
    return FxError("unavailable", "the platform has closed the run's channel" + (f" ({error})" if error else ""))
