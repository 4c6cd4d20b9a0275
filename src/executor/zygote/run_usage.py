"""What a run uses, as far as /proc tells, and which of its limits that passes."""
import collections
import os

# What is watched of a run: bytes, processes with their threads, bytes, seconds of a processor; 0: no limit. In the order of FORK_HEAD (zygote_words.py).
Limits = collections.namedtuple("Limits", "memory processes output seconds")
# The kernel lets a run have so many more than it may: most interpreters have fewer threads, so that whoever passes the limit is seen to, or leaves
# enough behind at its end to tell.
SPARE_PROCESSES = 64
# That one look goes through at most, which takes it some milliseconds; what others hold is not counted.
MOST_DESCRIPTORS = 1_000
TICKS = os.sysconf("SC_CLK_TCK")


def passed_at_the_end(limits, status, cpu_ms, left):
    """`left`: processes and threads that it has left, by which whoever failed over a process that it was refused is told from others."""
    if limits.seconds and cpu_ms > limits.seconds * 1000:
        return "cpuSeconds"
    if limits.processes and status != 0 and left + 1 > limits.processes:
        return "processes"
    return None


def processes_of(pid, boxed):
    """A run's process, and all that descend from it. The first one of a sandbox is none of the run's (box.py)."""
    processes = tree_of(pid)
    if boxed:
        next(processes)
    return processes


def passed_now(limits, processes):
    """The limit that these processes have passed together; None: none. What is not limited is not looked at."""
    ticks = threads = 0
    memory = {}
    for process in processes:
        try:
            if limits.seconds:
                # Its own, and that of children which it has waited for (proc(5)).
                ticks += sum(map(int, stat_of(process)[11:15]))
            if limits.memory or limits.processes:
                fields = fields_of(process, "status")
                threads += int(fields["Threads"])
                memory[process] = kibibytes(fields["RssAnon"]), kibibytes(fields["RssShmem"])
        except (OSError, KeyError):
            continue  # It has ended meanwhile.
    if limits.memory and is_more(memory, limits.memory):
        return "memoryBytes"
    if limits.processes and threads > limits.processes:
        return "processes"
    return "cpuSeconds" if limits.seconds and ticks > limits.seconds * TICKS else None


def is_more(memory, limit):
    """`memory`: of each process its own, and what it shares with others, in bytes. Memory that is several processes' is told of each, after a fork
    all that they have not written to since: the sum may be too much, and then what is surely not told twice decides.
    """
    files = nameless_files(memory, files_of_sandbox(next(iter(memory), None)))
    of_files = sum(files.values())
    if of_files + sum(map(sum, memory.values())) <= limit:
        return False
    return of_files + sum(sure_of(process, *most, files, len(memory) > 1) for process, most in memory.items()) > limit


def sure_of(process, own, shared, files, may_share):
    """Of what a process has in memory, what is its alone and none of these files: a page of four processes is a quarter of each. Where it may share,
    this walks through all its memory, 40 ms for 1 GB.
    """
    try:
        if may_share:
            fields = fields_of(process, "smaps_rollup")
            # From Linux 5.3 on.
            if "Pss_Anon" in fields:
                own, shared = kibibytes(fields["Pss_Anon"]), kibibytes(fields["Pss_Shmem"])
        return own + max(0, shared - mapped_of(process, files) if files else shared)
    except PermissionError:
        return own + shared  # It lets nobody look, at its files neither.
    except OSError:
        return 0  # It has ended meanwhile.


def threads_of(processes, session=None):
    """How many threads these processes have together; with `session` those alone that are in it."""
    count = 0
    for process in processes:
        try:
            fields = stat_of(process)
        except OSError:
            continue
        if session is None or int(fields[3]) == session:
            count += int(fields[17])
    return count


def files_of_sandbox(process):
    """What is in a process's /dev/shm, by device, where that is a sandbox's own and not the machine's."""
    directory = f"/proc/{process}/root/dev/shm"
    try:
        device = os.stat(directory).st_dev
        if device == os.stat("/dev/shm").st_dev:
            return {}
        told = os.statvfs(directory)
        return {(device, None): (told.f_blocks - told.f_bfree) * told.f_frsize}
    except OSError:
        return {}


def nameless_files(processes, held):
    """Adds to `held` files in memory that are open in these processes and that nobody else can open by a path, by device and inode, and what each
    takes. Whoever keeps others from looking (PR_SET_DUMPABLE) is not seen.
    """
    room = MOST_DESCRIPTORS
    for process in processes:
        try:
            directory = os.open(f"/proc/{process}/fd", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    room -= 1
                    if room < 0:
                        return held
                    look_at(directory, entry.name, held)
        except OSError:
            continue  # It has ended meanwhile.
        finally:
            os.close(directory)
    return held


def look_at(directory, descriptor, held):
    try:
        # Not asked of the file itself before it is known: one on a file system that is away would let nobody go.
        path = os.readlink(descriptor, dir_fd=directory)
        if path.startswith(("/memfd:", "/dev/shm/")) and path.endswith(" (deleted)"):
            file = os.stat(descriptor, dir_fd=directory)
            if (file.st_dev, None) not in held:
                held[file.st_dev, file.st_ino] = file.st_blocks * 512
    except OSError:
        pass  # It was closed meanwhile.


def mapped_of(process, files):
    """Bytes of a process's addresses that lead to these files: as much of what it shares is theirs at most."""
    size = 0
    with open(f"/proc/{process}/maps", "rb") as maps:
        lines = maps.readlines()
    for line in lines:
        if not line.endswith(b"(deleted)\n") and b" /dev/shm/" not in line:
            continue
        span, _, _, device, inode, _ = line.split(None, 5)
        device = os.makedev(*(int(part, 16) for part in device.split(b":")))
        if (device, int(inode)) in files or (device, None) in files:
            start, end = span.split(b"-")
            size += int(end, 16) - int(start, 16)
    if not lines:
        raise ProcessLookupError(f"process {process} has ended")
    return size


def tree_of(pid):
    waiting = [pid]
    while waiting:
        process = waiting.pop()
        yield process
        try:
            for thread in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{thread}/children") as children:
                    waiting.extend(map(int, children.read().split()))
        except OSError:
            continue  # It has ended meanwhile.


def stat_of(process):
    """From field 3 on, its state (proc(5)): before it is the name, which may hold anything."""
    with open(f"/proc/{process}/stat", "rb") as stat:
        return stat.read().rpartition(b")")[2].split()


def fields_of(process, name):
    with open(f"/proc/{process}/{name}") as file:
        return dict(line.split(":", 1) for line in file if ":" in line)


def kibibytes(field):
    return int(field.split()[0]) * 1024
