"""The child's side of a fork: from a copy of the zygote to the process of one script, in Python or, by another program, not.

Each first touch of a page costs a child a microsecond, so what can be made before the fork is made there, and the way from
the fork to the script avoids what Python has written in Python: the enums of `signal`, the mapping around the environment.
"""
import _signal
import atexit
import ctypes
import gc
import itertools
import json
import os
import resource
import socket
import sys

import landlock
import preload
import run_group
import sandbox
from run_usage import SPARE_PROCESSES
from zygote_words import NOT_STARTED

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38
KEYCTL = {"x86_64": 250, "aarch64": 219}
KEYCTL_JOIN_SESSION_KEYRING, KEYCTL_SETPERM = 1, 5

libc = ctypes.CDLL(None, use_errno=True)
libc_prctl = libc.prctl
libc_prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
open_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
limits = {
    "cpuSeconds": resource.RLIMIT_CPU,
    "memoryBytes": resource.RLIMIT_DATA,
    "processes": resource.RLIMIT_NPROC,
    "openFiles": resource.RLIMIT_NOFILE,
}
# The user namespace that a sandbox has where this is no root holds one run alone. Before Linux 5.14 processes were counted across them.
kernel = ["".join(itertools.takewhile(str.isdigit, part)) for part in os.uname().release.split(".")[:2]]
counts_by_namespace = all(kernel) and tuple(map(int, kernel)) >= (5, 14)
bootstrap = None
# As json.loads does, without what of that is written in Python.
scan = json.JSONDecoder().scan_once
# How many modules the zygote has, and the last of them: what comes after it in `sys.modules` the script has imported.
imported = 0
last_imported = None
MOST_LEARNED = 2_000
LONGEST_NAME = 100


def prepare(sdk, modules):
    """In the zygote, once: what every script needs is imported, and the compiler has been used. Answers what `preload.load` does, None without modules."""
    global bootstrap, imported, last_imported
    sys.path.insert(0, sdk)
    import fx_bootstrap

    bootstrap = fx_bootstrap
    bootstrap.prepare()
    landlock.prepare()
    sandbox.prepare()
    # It stays in force over the fork: no script gains rights by starting a program that has them.
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    close_session_keyring()
    if not os.path.ismount("/dev/mqueue"):
        # Nobody could find, and remove, what a run leaves there.
        set_limit(resource.RLIMIT_MSGQUEUE, 0, 0)
    # Orphans of a run that has died come to this process, and no further.
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    # The launcher's mark stays: by it, it finds what a killed zygote has left (src/executor/launcher/strays.ts).
    for name in [name for name in os.environ if name != "FX_LAUNCH"]:
        del os.environ[name]
    preloaded = preload.load(modules) if modules else None
    imported = len(sys.modules)
    last_imported = next(reversed(sys.modules))
    compile("import sys\nprint('warm', sys.argv)\n", "<warm>", "exec", dont_inherit=True)
    return preloaded


def close_session_keyring():
    """Runs inherit it and would find each other's keys there (session-keyring(7)). Users have keyrings of their own; a new one for each run would
    take as long as the fork.
    """
    number = KEYCTL.get(os.uname().machine)
    keyring = -1 if number is None else libc.syscall(number, KEYCTL_JOIN_SESSION_KEYRING, None)
    if keyring >= 0:
        libc.syscall(number, KEYCTL_SETPERM, keyring, 0)


def run(payload, uid, gid, descriptors, line, group, box):
    """Never returns. `line`: what `os.fstat` says of the last descriptor. `group`: the control group to join, None where there is none or
    this process was born in it. `box`: the namespace whose first process this is, None where it is none's.
    """
    # Until the run's own are in place, 2 is the zygote's, and with that the platform's log.
    errors = descriptors[2]
    try:
        if box is not None:
            box.begin(*descriptors[::2])
        if group is not None:
            run_group.join(group)
        text = str(payload, "utf-8")
        request, end = scan(text, 0)
        parent = os.getppid()
        command = request.get("exec")
        settings = None if command else bootstrap.take_settings(request["env"])
        if not request.get("sandbox"):
            os.setsid()
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
        errors = 2
        os.closerange(len(descriptors), open_files)
        enter(request, uid, gid)
        if os.getppid() != parent:
            os._exit(NOT_STARTED)
    except BaseException as error:
        os.write(errors, f"the script was not started: {error}\n".encode())
        os._exit(NOT_STARTED)
    if command:
        execute(command, request.get("waitsOnDescriptor"))
    gc.enable()
    code = 0
    try:
        # Data of the run's event: what is wrong with it is told in the run's own output.
        welcome = scan(text, end)[0] if end < len(text) else None
        bootstrap.main(settings, welcome, line)
    except SystemExit as ended:
        code = bootstrap.exit_code(ended.code)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    leave(code, request["cwd"])


def enter(request, uid, gid):
    boxed = request.get("sandbox")
    _signal.set_wakeup_fd(-1)
    for number in (_signal.SIGCHLD, _signal.SIGHUP):
        _signal.signal(number, _signal.SIG_DFL)
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    if boxed:
        sees_itself = sandbox.enter(boxed["network"], uid >= 0, request["limits"].get("memoryBytes"))
    for name, value in request["limits"].items():
        # The kernel counts the processes of a user, in each user namespace by themselves, and not those of a run.
        if name in limits and (name != "processes" or uid >= 0 or (boxed and counts_by_namespace)):
            # Some more than allowed, so that whoever passes the limit is seen to, and ends with its name; and who waits for a script as the same user.
            value += SPARE_PROCESSES + (uid < 0) if name == "processes" else 0
            # As the spawning launcher does (src/executor/launcher/limited-command.ts).
            value += request["setAsideBytes"] if name == "memoryBytes" else 0
            # At the soft limit of time a signal that names its reason, at the hard one the end.
            set_limit(limits[name], value, value + 1 if name == "cpuSeconds" else value)
    if uid >= 0:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        # What it writes where every user may is for nobody else to read, unless it says so.
        os.umask(0o077)
    if uid >= 0 or boxed:
        # The kernel takes this away from a process that changes its user, and its box has; a script may look at itself.
        prctl(PR_SET_DUMPABLE, 1)
    prctl(PR_SET_PDEATHSIG, _signal.SIGKILL)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    set_variables(request["env"])
    os.chdir(request["cwd"])
    if boxed:
        sandbox.close(**request["landlock"], user=uid >= 0, sees_itself=sees_itself)
    elif request.get("landlock"):
        landlock.confine(**request["landlock"])


def set_variables(variables):
    """As os.environ does, without what of that is written in Python."""
    data = os.environ._data
    for name, value in variables.items():
        name = name.encode("utf-8", "surrogateescape")
        data[name] = value = value.encode("utf-8", "surrogateescape")
        os.putenv(name, value)


def set_limit(kind, soft, hard):
    """A limit that the machine or the container has set tighter already stays: only root may raise it."""
    try:
        resource.setrlimit(kind, (soft, hard))
    except ValueError:
        present = resource.getrlimit(kind)[1]
        if present == resource.RLIM_INFINITY or present >= hard:
            raise
        resource.setrlimit(kind, (min(soft, present), present))


def execute(command, waits_on_descriptor):
    """Becomes another program, within all the limits that were set. What Python ignores that does not."""
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ):
        _signal.signal(number, _signal.SIG_DFL)
    try:
        if waits_on_descriptor:
            dial()
        os.execve(command[0], command, dict(os.environ))
    except OSError as error:
        os.write(2, f"the script was not started: {command[0]}: {error}\n".encode())
        os._exit(NOT_STARTED)


def dial():
    """For a program to wait on: what it opens by itself would not block. It closes this when it is called, so that nothing it starts inherits it."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.connect(os.environ["FX_CHANNEL"])
    hello = json.dumps({"nonce": os.environ.pop("FX_NONCE"), "waits": True}).encode()
    line.sendall(len(hello).to_bytes(4, "big") + hello)
    line.set_inheritable(True)
    os.environ["FX_WAIT"] = str(line.detach())


def prctl(option, value):
    if libc_prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} is refused")


def leave(code, directory):
    """What Python does at its end, without taking its own modules apart."""
    try:
        if len(sys.modules) - imported >= preload.WORTH_IT:
            tell_imports()
        # Not imported here: its own handler of forks would cost each child a tenth of its time.
        threading = sys.modules.get("threading")
        if threading is not None:
            threading._shutdown()
        atexit._run_exitfuncs()
        forget_script(directory)
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        code = code or 1
    finally:
        os._exit(code)


def tell_imports():
    """So that the next run of the script may find them imported."""
    names = [name for name in list(sys.modules)[imported:] if can_be_told(name) and preload.is_interpreters(sys.modules[name])]
    if preload.WORTH_IT <= len(names) <= MOST_LEARNED:
        try:
            sys.modules["fx_ef"]._context._channel.tell("imports", modules=names)
        except Exception:
            pass  # It closed its channel. Nothing depends on it.


def can_be_told(name):
    """As src/executor/channel/read-ask.ts takes it: with a name that it refuses all others would be lost. Some files of Python's own have such."""
    return len(name) <= LONGEST_NAME and name.isascii() and all(map(str.isidentifier, name.split(".")))


def forget_script(directory):
    own = [module for module in map(sys.modules.get, imported_since()) if is_below(module, directory)]
    for module in (sys.modules.get("__main__"), *own):
        if module is not None:
            bootstrap.forget(module)
    gc.collect()


def imported_since():
    """Names of modules, the latest first. Unless the script took some away, what was there before it is not touched."""
    count = len(sys.modules) - imported
    names = list(itertools.islice(reversed(sys.modules), count + 1)) if count >= 0 else [None]
    return names if names.pop() == last_imported else list(reversed(sys.modules))


def is_below(module, directory):
    return str(getattr(module, "__file__", None)).startswith(directory + os.sep)
