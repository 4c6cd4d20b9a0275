"""Filters of system calls (seccomp(2)): made once, put in force after a fork, for good and for all that is started later.

Landlock and namespaces leave open that a process changes the limits, the priority and the processors of any other of its
user. A filter cannot know who calls, so a process may do this to itself by its number 0 alone, as the C library does.

Landlock also leaves open what all processes of a user share and no path leads to: shared memory, semaphores and queues of System V
(sysvipc(7)), queues of POSIX (mq_overview(7)), keys (keyrings(7)). There are none then, as on a kernel that was built without.
"""
import ctypes
import errno
import os
import struct

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000

# Of each machine: which of the numbers below are its own (asm/unistd.h), and its name in a filter (linux/audit.h).
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

# The first argument is the process.
PROCESS_FIRST = {
    "prlimit64": (302, 261), "sched_setaffinity": (203, 122), "sched_setattr": (314, 274), "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
}
# The first argument says what the second one is: by this a process, by others a group, or a user with all its processes.
KIND_FIRST = {"setpriority": ((141, 140), 0), "ioprio_set": ((251, 30), 1)}

# Where no namespace keeps them apart.
SHARED = {
    "shmget": (29, 194), "shmctl": (31, 195), "shmat": (30, 196), "semget": (64, 190), "semctl": (66, 191), "semtimedop": (220, 192),
    "semop": (65, 193), "msgget": (68, 186), "msgctl": (71, 187), "msgrcv": (70, 188), "msgsnd": (69, 189), "mq_open": (240, 180),
    "mq_unlink": (241, 181), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
}

libc = ctypes.CDLL(None, use_errno=True)


def column():
    """None: there are no filters for this machine."""
    machine = MACHINES.get(os.uname().machine)
    return machine and machine[0]


def load(offset):
    return (0x20, 0, 0, offset)


def equal(value, skip_if, skip_unless):
    """How many instructions to skip, either way."""
    return (0x15, skip_if, skip_unless, value)


def end(action):
    return (0x06, 0, 0, action)


FIRST, SECOND = load(16), load(24)
refuse = end(REFUSE | errno.EPERM)
be_absent = end(REFUSE | errno.ENOSYS)


def begin():
    """Ends processes that call in another machine's way, and leaves the call's number loaded."""
    own, architecture = MACHINES[os.uname().machine]
    body = [load(4), equal(architecture, 1, 0), end(KILL), load(0)]
    if own == 0:
        # The x32 interface has numbers of its own for the same calls.
        body += [(0x35, 0, 1, 0x40000000), refuse]
    return body


def keep_to_itself():
    """The number is loaded before, and after where the call is none of these."""
    own, body = column(), []
    for numbers in PROCESS_FIRST.values():
        body += [equal(numbers[own], 0, 4), FIRST, equal(0, 0, 1), end(ALLOW), refuse]
    for numbers, process in KIND_FIRST.values():
        body += [equal(numbers[own], 0, 6), FIRST, equal(process, 0, 3), SECOND, equal(0, 0, 1), end(ALLOW), refuse]
    return body


def share_nothing():
    """The number is loaded before, and after where the call is none of these."""
    own, body = column(), []
    for numbers in SHARED.values():
        body += [equal(numbers[own], 0, 1), be_absent]
    return body


def program(body):
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in body))
    return struct.pack("=H6xQ", len(body), ctypes.addressof(code)), code


def own_only():
    """What `put_in_force` takes; None where there are no filters for this machine."""
    return None if column() is None else program([*begin(), *keep_to_itself(), *share_nothing(), end(ALLOW)])


def put_in_force(made):
    """The process has given up gaining privileges before."""
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, made[0], 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"seccomp: {os.strerror(code)}")
