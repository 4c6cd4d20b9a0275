"""Takes a process out of sight of the rest of the machine: namespaces(7), landlock(7), seccomp(2).

In force before the script's first line, for it and all that it starts, for good:
- no network but a loopback of its own, unless asked for
- it sees no process but its own, and knows no other by its number; /proc shows those, or is closed where the kernel does not allow it
- it may read its version, its interpreter and the system's programs, and write to its scratch directory and a private /dev/shm
- calls that change mounts, namespaces, kernel or other processes are refused (system_calls.py for limits and priorities)

Fails closed: each step that the kernel refuses is an error, and nothing is started.

sandbox.py --probe UID      prints null, or what is in the way ("why") and what to do ("fix") as JSON; UID: of a script's user, -1 where
                            scripts run as this one
"""
import ctypes
import errno
import json
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import clone  # noqa: E402
import landlock  # noqa: E402
import system_calls  # noqa: E402
from system_calls import ALLOW, FIRST, REFUSE, end, equal, refuse  # noqa: E402

sys.path.pop(0)

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWNET = 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 2, 4, 8, 0x4000, 1 << 18
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
# What root needs for it beyond changing users (capabilities(7)): for namespaces and mounts, and to raise the loopback.
RIGHTS = {"CAP_SYS_ADMIN": 21, "CAP_NET_ADMIN": 12}

# Numbers of x86_64 and of aarch64 (asm/unistd.h).
REFUSED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "move_mount": (429, 429),
    "open_tree": (428, 428), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "unshare": (272, 97), "setns": (308, 268), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142), "swapon": (167, 224),
    "swapoff": (168, 225), "acct": (163, 89), "open_by_handle_at": (304, 265), "syslog": (103, 116), "quotactl": (179, 60),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
}
CLONE, CLONE3 = (56, 220), (435, 435)
SOCKET = (41, 198)
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)

libc = ctypes.CDLL(None, use_errno=True)
program = None
# Asked in a user namespace, the kernel says "nobody" as long as that has no users.
own_user = os.geteuid(), os.getegid()


def prepare():
    """Makes the filter once, before any fork."""
    global program
    column = system_calls.column()
    if column is None:
        return
    body = system_calls.begin()
    for number in sorted(numbers[column] for numbers in REFUSED.values()):
        body += [equal(number, 0, 1), refuse]
    body += system_calls.keep_to_itself()
    # Kinds of sockets that no namespace holds (a virtual machine's own, for one) lead past the network that was taken away.
    body += [equal(SOCKET[column], 0, 7), FIRST]
    body += [equal(family, 4 - at, 0) for at, family in enumerate(FAMILIES)]
    body += [end(REFUSE | errno.EAFNOSUPPORT), end(ALLOW)]
    # The C library falls back to clone, whose flags can be read here.
    body += [equal(CLONE3[column], 0, 1), end(REFUSE | errno.ENOSYS)]
    body += [equal(CLONE[column], 0, 3), FIRST, (0x45, 0, 1, clone.CLONE_NEWUSER | CLONE_NEWNS), refuse]
    body += [end(ALLOW)]
    program = system_calls.program(body)


def namespaces(user):
    """What its first process is born in (clone.py). `user`: whether scripts have users of their own, as root alone can give them."""
    return clone.CLONE_NEWPID | (0 if user else clone.CLONE_NEWUSER)


def map_user():
    """In a user namespace that was just made: the user that it had, and no other."""
    uid, gid = own_user
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        write(f"/proc/self/{name}", text)


def enter(network, user, shared_memory=None):
    """In those namespaces, before the user is changed. `shared_memory`: bytes of /dev/shm. Answers whether /proc is the sandbox's own."""
    if program is None:
        raise OSError(f"there is no sandbox for {os.uname().machine}")
    check(libc.unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | (0 if network else CLONE_NEWNET)), "unshare")
    mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC
    sees_itself = show_itself(user, quiet)
    mount(b"tmpfs", b"/dev/shm", b"tmpfs", quiet, f"mode=1777,size={shared_memory or '50%'}".encode())
    if not network:
        raise_loopback()
    return sees_itself


def show_itself(user, quiet):
    """Whether /proc is that of the namespace now. Where the process is not root the kernel allows it unless a container has hidden a part of its own."""
    try:
        # The process that waits for the script is not the script's to see either.
        mount(b"proc", b"/proc", b"proc", quiet, b"hidepid=invisible")
        return True
    except OSError:
        if user:
            raise
        return False


def close(read, write, user, sees_itself):
    """After the user was changed, last: what is forbidden here is needed on the way. `sees_itself`: what `enter` has answered."""
    closed = [] if sees_itself else ["/proc"]
    landlock.restrict([path for path in read if path not in closed], [*write, "/dev/shm"])
    if not user:
        # Rights within its own namespace, which a process that changed its user has lost already.
        check(libc.capset(struct.pack("=II", 0x20080522, 0), bytes(24)), "capset")
    system_calls.put_in_force(program)


def raise_loopback():
    import fcntl

    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            name = b"lo".ljust(16, b"\0")
            flags = struct.unpack_from("H", fcntl.ioctl(control, SIOCGIFFLAGS, name + bytes(16)), 16)[0]
            fcntl.ioctl(control, SIOCSIFFLAGS, name + struct.pack("H", flags | IFF_UP) + bytes(14))
    except OSError as error:
        raise OSError(error.errno, f"its loopback: {error.strerror}") from None


def mount(source, target, kind, flags, options):
    check(libc.mount(source, target, kind, ctypes.c_ulong(flags), options), f"mount {target.decode()}")


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def check(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def probe(uid):
    """What is in the way of a sandbox; None: nothing."""
    if system_calls.column() is None:
        return {"why": f"there is none for {os.uname().machine}", "fix": "a machine of x86-64 or of 64-bit ARM"}
    prepare()
    said, tells = os.pipe()
    try:
        child = clone.fork(namespaces(uid >= 0))
    except OSError as error:
        return refused(f"a namespace of processes: {error.strerror}", uid)
    if child == 0:
        try:
            if uid < 0:
                map_user()
            sees_itself = enter(False, uid >= 0)
            if uid >= 0:
                os.setgroups([])
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
            check(libc.prctl(landlock.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
            close(["/usr"], [], uid >= 0, sees_itself)
        except OSError as error:
            os.write(tells, (error.strerror or str(error)).encode())
        os._exit(0)
    os.close(tells)
    os.waitpid(child, 0)
    why = os.read(said, 4096).decode()
    return refused(why, uid) if why else None


def refused(why, uid):
    missing = " and ".join(rights_missing()) if uid >= 0 else ""
    found = f"the kernel refuses a part of the sandbox: {why}"
    if missing:
        fix = f"give the platform {missing} as well, or run it as an ordinary user where the kernel lets such a one make user namespaces"
        return {"why": f"{found} (root without {missing})", "fix": fix}
    if uid < 0:
        switches = "user.max_user_namespaces; kernel.unprivileged_userns_clone on Debian, kernel.apparmor_restrict_unprivileged_userns on Ubuntu"
        fix = f"let ordinary users make user namespaces (sysctl {switches})"
    else:
        fix = "see that nothing keeps root from namespaces and mounts"
    return {"why": found, "fix": f"Linux 5.13 or later with Landlock; {fix}; in a container, let the engine's filters pass clone3, unshare and mount"}


def rights_missing():
    with open("/proc/self/status") as status:
        held = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff:"))
    return [name for name, number in RIGHTS.items() if not held >> number & 1]


if __name__ == "__main__":
    print(json.dumps(probe(int(sys.argv[2]))))
