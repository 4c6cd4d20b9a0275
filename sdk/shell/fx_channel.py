"""The private channel of a shell script: one connection that all of its processes share, one request at a time."""
import _socket
import errno
import fcntl
import json
import os
import resource
import _signal

MAX_VALUE_BYTES = 4 * 1024 * 1024
# High enough that no script's own redirection takes it; the highest that there is where the run may have few. By the limit that nobody can
# raise, so that every process of the run finds the same.
DESCRIPTOR = min(198, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 1)
CONTEXT = ".fx-context.json"
LOCK = ".fx-lock"
HELD = [_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP, _signal.SIGPIPE, _signal.SIGALRM]


class Refused(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def dumps(value):
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def request(op, answered=True, **fields):
    """Sends one request and returns its answer's value. Raises Refused."""
    body = dumps({"op": op, **fields}).encode("utf-8", "surrogatepass")
    if len(body) > MAX_VALUE_BYTES:
        raise Refused("limit-exceeded", f"{len(body)} bytes of JSON; one event, value or log line may have at most {MAX_VALUE_BYTES}")
    # An answer that nobody read to its end would be taken for the next one's, so only SIGKILL cuts this short.
    _signal.pthread_sigmask(_signal.SIG_BLOCK, HELD)
    lock = os.open(os.path.join(os.environ["FX_SCRATCH"], LOCK), os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    number, busy = (os.read(lock, 32).decode() or "0 -").split()
    if busy == "busy":
        raise Refused("unavailable", "an earlier fx-context was killed while it spoke with the platform")
    number = int(number) + 1
    _note(lock, f"{number} busy")
    try:
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, os.dup(DESCRIPTOR))
        connection.setblocking(True)
        if answered:
            body = b'{"id":%d,%s' % (number, body[1:])
        connection.sendall(len(body).to_bytes(4, "big") + body)
        answer = json.loads(read(connection, int.from_bytes(read(connection, 4), "big"))) if answered else {"value": None}
    except OSError as error:
        who = "script" if error.errno in (errno.EBADF, errno.ENOTSOCK) else "platform"
        raise Refused("unavailable", f"the {who} has closed the run's channel (descriptor {DESCRIPTOR})") from None
    _note(lock, f"{number} -")
    if answer.get("error") is not None:
        raise Refused(answer["error"]["code"], answer["error"]["message"])
    return answer["value"]


def _note(lock, text):
    os.ftruncate(lock, 0)
    os.pwrite(lock, text.encode(), 0)


def read(connection, size):
    pieces = bytearray()
    while len(pieces) < size:
        piece = connection.recv(min(size - len(pieces), 1 << 20))
        if not piece:
            raise OSError("closed")
        pieces += piece
    return pieces
