"""A control group of its own for each run (cgroup-v2.rst of the kernel): what all processes of a run use together is counted and
held by the kernel, memory that no process has mapped as well, and all of them end at one moment.

The keeper makes a group before the fork and removes it after; the zygote forks into it.
"""
import os
import time

REMOVE_SECONDS = 5


class RunGroup:
    def __init__(self, directory, owner, run, memory, processes):
        """`owner`: the process that forks into it. `memory` in bytes, `processes` with their threads; 0: no limit."""
        self.path = os.path.join(directory, f"{owner}-{run}")
        os.mkdir(self.path)
        self.fd = None
        # Processes refused before what runs now.
        self.refused = 0
        try:
            self.fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            if memory:
                self.write("memory.max", memory)
                self.write("memory.oom.group", 1)
                self.forbid_swap()
            if processes:
                self.write("pids.max", processes)
        except OSError:
            self.remove()
            raise

    def forbid_swap(self):
        try:
            self.write("memory.swap.max", 0)
        except FileNotFoundError:
            pass  # This kernel counts no swap.

    def passed(self, ended=None):
        """The limit that the run has passed, None: none. `ended`: its status; who was refused a process and did well is forgiven."""
        memory = self.events("memory.events")
        if memory.get("oom") and memory.get("oom_kill"):
            return "memoryBytes"
        return "processes" if ended != 0 and self.refusals() > self.refused else None

    def forgive(self):
        """What it was refused until now is not told again."""
        self.refused = self.refusals()

    def refusals(self):
        return self.events("pids.events").get("max", 0)

    def events(self, name):
        try:
            fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.fd)
        except OSError:
            return {}  # Its last process is gone, and it with it.
        try:
            words = os.read(fd, 4096).split()
        finally:
            os.close(fd)
        return {key.decode(): int(value) for key, value in zip(words[::2], words[1::2])}

    def kill(self):
        kill(self.path)

    def remove(self):
        """Ends what is left in it. False: not all has ended yet."""
        if not remove(self.path):
            return False
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None
        return True

    def write(self, name, value):
        write(os.path.join(self.path, name), value)


def write(path, value):
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, str(value).encode())
    finally:
        os.close(fd)


def kill(path):
    try:
        write(os.path.join(path, "cgroup.kill"), 1)
    except OSError:
        pass  # It is gone already.


def remove(path):
    """Ends what is left in a group and below. False: not all has ended yet."""
    try:
        os.rmdir(path)
        return True
    except FileNotFoundError:
        return True
    except OSError:
        kill(path)
    for below, _, _ in os.walk(path, topdown=False):
        try:
            os.rmdir(below)
        except OSError:
            pass
    return not os.path.exists(path)


def is_gone(owner):
    return not os.path.exists(f"/proc/{owner}")


def remove_all(directory, of):
    """Ends and removes the groups of those owners, told by a function, as far as that can be done in a few seconds."""
    deadline = time.monotonic() + REMOVE_SECONDS
    while os.path.isdir(directory):
        left = [entry.path for entry in os.scandir(directory) if entry.is_dir() and of(entry.name.partition("-")[0])]
        if all([remove(path) for path in left]) or time.monotonic() > deadline:
            return
        time.sleep(0.002)


def join(fd):
    """Where the kernel lets no process be born in a group (clone.py). Who joins waits until every processor has passed a quiet state of the kernel,
    which costs ten milliseconds where nothing else happens; who is born there does not.
    """
    procs = os.open("cgroup.procs", os.O_WRONLY | os.O_CLOEXEC, dir_fd=fd)
    try:
        os.write(procs, b"0")
    finally:
        os.close(procs)
