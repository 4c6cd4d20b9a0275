"""Dials the run's channel for a shell script, then becomes the shell.

bootstrap.py interpreter [options...]     e.g. sh, or bash -e; the script is the one of the run
"""
import _socket
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fx_channel  # noqa: E402

# Larger ones are read by `fx-context param` or from stdin: the environment of a process has an end.
MAX_PARAM_BYTES = 4 * 1024
MAX_PARAMS_BYTES = 64 * 1024


def main():
    shell = sys.argv[1:]
    path, nonce = os.environ.pop("FX_CHANNEL"), os.environ.pop("FX_NONCE")
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.connect(path)
    hello = json.dumps({"nonce": nonce}).encode()
    connection.sendall(len(hello).to_bytes(4, "big") + hello)
    welcome = json.loads(fx_channel.read(connection, int.from_bytes(fx_channel.read(connection, 4), "big")))
    context, directory = welcome["context"], welcome["directory"]
    os.dup2(connection.fileno(), fx_channel.DESCRIPTOR, inheritable=True)

    scratch = os.environ["FX_SCRATCH"]
    write_private(os.path.join(scratch, fx_channel.CONTEXT), fx_channel.dumps(context))
    write_private(os.path.join(scratch, fx_channel.LOCK), "")
    stdin_from(welcome["argument"])
    script = os.path.join(directory, context["execution"]["script"])
    environment = {**os.environ, **variables(context), "FX_PYTHON": sys.executable}
    # The launcher's order line; a shell writes by itself and cannot ask there.
    os.closerange(3, 4)
    try:
        os.execvpe(shell[0], [*shell, script], environment)
    except OSError as error:
        print(f"{shell[0]} cannot be started: {error.strerror}", file=sys.stderr)
        os._exit(127)


def variables(context):
    event, execution, service = context["event"], context["execution"], context["service"]
    found = {
        "FX_PROJECT": service["project"],
        "FX_SERVICE": service["name"],
        "FX_EXECUTION_ID": execution["id"],
        "FX_ATTEMPT": execution["attempt"],
        "FX_STEP": execution["step"],
        "FX_REPLAY": "true" if execution["replay"] else "false",
        "FX_EVENT_TYPE": event["type"],
        "FX_EVENT_ID": event["id"],
        "FX_CORRELATION_ID": event.get("correlationid") or event["id"],
    }
    if execution["original"] is not None:
        found["FX_ORIGINAL_EXECUTION_ID"] = execution["original"]
    found = {key: str(value) for key, value in found.items()}
    room = MAX_PARAMS_BYTES
    for key, value in context["params"].items():
        name = "FX_PARAM_" + key.upper()
        if not (name.isascii() and name.isidentifier()) or isinstance(value, (dict, list)) or value is None:
            continue
        text = value if isinstance(value, str) else fx_channel.dumps(value)
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > min(MAX_PARAM_BYTES, room) or "\0" in text or not encodable(text):
            continue
        room -= size
        found[name] = text
    return found


def encodable(text):
    try:
        text.encode()
        return True
    except UnicodeEncodeError:
        return False


def write_private(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", errors="surrogatepass") as file:
        file.write(text)


def stdin_from(text):
    """Any size, and no pipe that somebody would have to keep filling: a file without a name."""
    path = os.path.join(os.environ["FX_SCRATCH"], ".fx-stdin")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.unlink(path)
    with open(os.dup(descriptor), "w", encoding="utf-8", errors="surrogatepass") as file:
        file.write(text + "\n")
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.dup2(descriptor, 0)
    os.close(descriptor)


main()
