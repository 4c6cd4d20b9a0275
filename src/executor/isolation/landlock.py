"""Limits itself to named paths by Landlock (landlock(7)) and to what is its own (system_calls.py), then becomes a program.

landlock.py --probe                     prints the kernel's ABI version, 0 where there is none
landlock.py '{"read": [...], "write": [...]}' -- command arguments...

Fails closed: where a limit cannot be set, nothing is started (exit status 126).
"""
import ctypes
import json
import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import system_calls  # noqa: E402

sys.path.pop(0)

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION = 1
PATH_BENEATH = 1
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
SIGKILL = 9

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, IOCTL_DEVICE = 1 << 14, 1 << 15
READ = EXECUTE | READ_FILE | READ_DIR
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEVICE
# Each ABI version knows the rights below this bit.
RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15}
# Version 6: no signal to, no abstract socket of, a process outside.
SCOPED = 3

libc = ctypes.CDLL(None, use_errno=True)
own_only = None


def call(number, *args):
    result = libc.syscall(number, *args)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def abi():
    try:
        return call(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION)
    except OSError:
        return 0


def prepare():
    """Makes the filter of `confine` once, before any fork."""
    global own_only
    own_only = system_calls.own_only()


def confine(read, write):
    """Without `prepare` to the paths alone, and so on machines that there is no filter for."""
    restrict(read, write)
    if own_only is not None:
        system_calls.put_in_force(own_only)


def restrict(read, write):
    version = abi()
    if version < 1:
        raise OSError("this kernel has no Landlock")
    handled = (1 << RIGHTS_BY_ABI.get(version, 16)) - 1
    attributes = struct.pack("=Q", handled)
    if version >= 4:
        attributes += struct.pack("=Q", 0)
    if version >= 6:
        attributes += struct.pack("=Q", SCOPED)
    ruleset = call(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    for paths, rights in ((read, READ), (write, handled)):
        for path in paths:
            allow(ruleset, path, rights & handled)
    for device in ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"):
        allow(ruleset, device, (READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEVICE) & handled)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError("no-new-privileges is refused")
    call(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def allow(ruleset, path, rights):
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # What is not there needs no right.
    try:
        if not os.path.isdir(path):
            rights &= ON_FILES
        call(ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", rights, parent), 0)
    finally:
        os.close(parent)


def main():
    if sys.argv[1] == "--probe":
        print(abi())
        return
    command = sys.argv[sys.argv.index("--") + 1 :]
    try:
        # Whoever started this is gone: the script goes too.
        libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
        paths = json.loads(sys.argv[1])
        prepare()
        confine(paths["read"], paths["write"])
        os.execv(command[0], command)
    except OSError as error:
        print(f"the script was not started: {error}", file=sys.stderr)
        os._exit(126)


if __name__ == "__main__":
    main()
