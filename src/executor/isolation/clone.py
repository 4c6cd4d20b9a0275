"""A fork with what os.fork cannot ask for (clone3(2)): a child that is born in a control group, or as the first process of a namespace."""
import ctypes
import errno
import os
import signal
import struct

CLONE3 = 435
CLONE_INTO_CGROUP, CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID = 0x200000000, 0x01000000, 0x00200000
CLONE_NEWUSER, CLONE_NEWPID = 0x10000000, 0x20000000
PR_GET_TID_ADDRESS = 40

# Holds the interpreter's lock over the call, as a fork must.
libc = ctypes.PyDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
before_fork, after_fork_parent, after_fork_child = (
    getattr(ctypes.pythonapi, f"PyOS_{moment}") for moment in ("BeforeFork", "AfterFork_Parent", "AfterFork_Child")
)


def fork(flags=0, group=None):
    """As os.fork. `flags`: the namespaces to be made for the child. `group`: a control group, as the descriptor of its directory.

    What the C library's fork does beyond this is for several threads, and a zygote has one.
    """
    tid = ctypes.c_ulong()
    if libc.prctl(PR_GET_TID_ADDRESS, ctypes.byref(tid), 0, 0, 0) != 0:
        raise OSError(errno.ENOSYS, "the kernel does not say where the thread's id is kept")
    flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | (0 if group is None else CLONE_INTO_CGROUP)
    # clone(2), struct clone_args.
    arguments = struct.pack("=11Q", flags, 0, tid.value, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, group or 0)
    number, size = ctypes.c_long(CLONE3), ctypes.c_size_t(len(arguments))
    before_fork()
    pid = libc.syscall(number, arguments, size)
    if pid == 0:
        after_fork_child()
        return 0
    after_fork_parent()
    if pid < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return pid
