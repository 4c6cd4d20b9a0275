"""What a zygote and its keeper say to each other: a kind (1 byte), a run (4 bytes), and the rest; one message a packet."""
import struct

HEAD = struct.Struct(">BI")
# To the zygote: with three descriptors and the request of a run; with a signal's number; look for strays.
FORK, KILL, LOOK = 1, 2, 3
# To the keeper: with a process id; with what stands in the way; with status, largest memory, processor time, and processes and threads that it has left.
STARTED, UNSTARTABLE, EXITED = 4, 5, 6

# Of a request: what it is (below), time to live (ms), kept output, user, group, and the limits that are watched (run_usage.py).
FORK_HEAD = struct.Struct(">BIIiiQIQI")
# It has namespaces of its own, and its first process is not the script (box.py).
BOXED = 1
SIGNAL = struct.Struct(">I")
PID = struct.Struct(">I")
# The exit status of what was no script yet.
NOT_STARTED = 126
EXIT_BODY = struct.Struct(">iQQI")
