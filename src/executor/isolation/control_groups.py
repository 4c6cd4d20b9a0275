"""Finds a control group that is the platform's to divide among its runs (cgroup-v2.rst of the kernel), and makes it ready.

control_groups.py --probe WANTED            WANTED: auto, or the directory of a group; changes nothing
control_groups.py --prepare WANTED MARK     MARK: a name for the groups of this platform's runs

Prints {"directory": ...} or {"hindrance": ...}.

A group with processes can give its controllers to no group below (cgroups(7), "no internal processes"). So where the group that
is found holds the platform itself, the platform, and whatever else is in there, goes into a leaf of it first.
"""
import errno
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "zygote"))
import run_group  # noqa: E402

sys.path.pop(0)

LEAF = "streamzero-fx"
CONTROLLERS = ("memory", "pids")
# Since then a group's processes can be ended at one moment (cgroup.kill).
NEEDED = (5, 14)
ROUNDS = 100


class Hindrance(Exception):
    pass


def base_of(wanted):
    """The group to divide. Nothing is taken that belongs to another manager of groups, systemd above all."""
    if wanted != "auto":
        if not os.path.exists(os.path.join(wanted, "cgroup.subtree_control")):
            raise Hindrance(f"{wanted} is no directory of a control group (version 2)")
        return wanted
    top, own = own_group()
    if own == top or is_delegated(own):
        return own
    above = os.path.dirname(own)
    if os.path.basename(own) == LEAF or is_delegated(above):
        return above
    raise Hindrance(f"the group of this process, {own}, is not the platform's to divide; a systemd unit says that it is with Delegate=yes")


def own_group(proc="/proc/self"):
    """Where the hierarchy is mounted, and the directory of this process's group in it."""
    with open(f"{proc}/cgroup") as groups:
        path = next((line[3:].rstrip("\n") for line in groups if line.startswith("0::")), None)
    with open(f"{proc}/mountinfo") as mounts:
        for line in mounts:
            fields = line.split()
            if fields[fields.index("-") + 1] == "cgroup2" and path is not None:
                root, top = (field.encode().decode("unicode_escape") for field in fields[3:5])
                # Of a process that is outside of its own namespace the path begins with "/..".
                below = os.path.relpath(path, root).split("/") + path.split("/")
                if ".." not in below:
                    return top, os.path.normpath(os.path.join(top, os.path.relpath(path, root)))
    raise Hindrance("no hierarchy of control groups (version 2) is mounted that holds this process")


def is_delegated(path):
    """systemd marks what it has given away (CGROUP_DELEGATION.md)."""
    for name in ("trusted.delegate", "user.delegate"):
        try:
            if os.getxattr(path, name) == b"1":
                return True
        except OSError:
            pass
    return False


def check(base):
    release = os.uname().release
    if tuple(int(part) for part in release.split("-")[0].split(".")[:2]) < NEEDED:
        raise Hindrance(f"Linux {release} cannot end all processes of a group; 5.14 can")
    with open(os.path.join(base, "cgroup.controllers")) as controllers:
        missing = set(CONTROLLERS).difference(controllers.read().split())
    if missing:
        raise Hindrance(f"the group {base} has no controller for {' and '.join(sorted(missing))}")
    for path in (base, os.path.join(base, "cgroup.subtree_control"), os.path.join(base, "cgroup.procs")):
        if not os.access(path, os.W_OK):
            raise Hindrance(f"{path} may not be written")


def prepare(base, mark):
    """The directory in which groups of runs can be made. What a platform of this mark has left there is ended."""
    give_controllers(base, lambda: empty(base))
    directory = os.path.join(base, mark)
    os.makedirs(directory, exist_ok=True)
    run_group.remove_all(directory, lambda owner: True)
    give_controllers(directory)
    trial = run_group.RunGroup(directory, os.getpid(), "trial", 64 << 20, 16)
    try:
        child = os.fork()
        if child == 0:
            try:
                run_group.join(trial.fd)
                os._exit(0)
            finally:
                os._exit(1)
        if os.waitpid(child, 0)[1] != 0:
            raise Hindrance(f"no process may go into {directory}")
    finally:
        trial.remove()
    return directory


def give_controllers(path, make_way=None):
    control = os.path.join(path, "cgroup.subtree_control")
    wanted = " ".join(f"+{name}" for name in CONTROLLERS)
    try:
        run_group.write(control, wanted)
    except OSError as error:
        if error.errno != errno.EBUSY or make_way is None:
            raise
        make_way()
        run_group.write(control, wanted)


def empty(base):
    leaf = os.path.join(base, LEAF)
    os.makedirs(leaf, exist_ok=True)
    for _ in range(ROUNDS):
        with open(os.path.join(base, "cgroup.procs")) as processes:
            ids = processes.read().split()
        if not ids:
            return
        for id in ids:
            try:
                run_group.write(os.path.join(leaf, "cgroup.procs"), id)
            except ProcessLookupError:
                pass  # It has ended meanwhile.


def main():
    order, wanted, *mark = sys.argv[1:]
    try:
        base = base_of(wanted)
        check(base)
        answer = {"directory": prepare(base, *mark) if order == "--prepare" else base}
    except Hindrance as hindrance:
        answer = {"hindrance": str(hindrance)}
    except OSError as error:
        answer = {"hindrance": f"{error.filename or 'control groups'}: {error.strerror}"}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
