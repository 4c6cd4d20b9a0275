"""The least that a run in a warm interpreter can cost: runs a script so often, in so many processes, and collects what it prints.

bare_warm.py RUNS PROCESSES SCRIPT      Prints JSON: {"elapsedMs": ...}

Each run is asked for by a byte on a socket and answered with what it printed; its globals are its own, and nothing else is.
"""
import io
import json
import os
import select
import socket
import sys
import time

runs, processes, script = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
with open(script, "rb") as file:
    code = compile(file.read(), script, "exec")


def serve(channel):
    while channel.recv(1):
        sys.stdout = io.StringIO()
        exec(code, {"__name__": "__main__"})
        channel.sendall(sys.stdout.getvalue().encode() + b"\0")
    os._exit(0)


channels = {}
poll = select.poll()
for _ in range(processes):
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        serve(theirs)
    theirs.close()
    channels[ours.fileno()] = ours
    poll.register(ours, select.POLLIN)

began = time.perf_counter()
started = ended = 0
for channel in channels.values():
    channel.sendall(b"r")
    started += 1
while ended < runs:
    for descriptor, _ in poll.poll():
        if not channels[descriptor].recv(65536).endswith(b"\0"):
            continue
        ended += 1
        if started < runs:
            channels[descriptor].sendall(b"r")
            started += 1
print(json.dumps({"elapsedMs": (time.perf_counter() - began) * 1000}))
