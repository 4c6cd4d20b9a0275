"""The least that forking one process a run can cost: runs a script so often, so many at a time, and collects what it prints.

bare_zygote.py RUNS AT_A_TIME SCRIPT UID      UID: of the children; -1: this process's own. Prints JSON: {"elapsedMs": ...}

The script is compiled once, ahead; nothing is kept, nobody is told, and a child ends without taking Python apart.
"""
import gc
import json
import os
import select
import sys
import time

runs, at_a_time, script, uid = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
with open(script, "rb") as file:
    code = compile(file.read(), script, "exec")
gc.collect()
gc.freeze()
poll = select.poll()
live = {}
started = 0


def start():
    global started
    started += 1
    out, end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.dup2(end, 1)
        os.closerange(3, 256)
        if uid >= 0:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        exec(code, {"__name__": "__main__"})
        sys.stdout.flush()
        os._exit(0)
    os.close(end)
    live[out] = pid
    poll.register(out, select.POLLIN | select.POLLHUP)


began = time.perf_counter()
for _ in range(min(at_a_time, runs)):
    start()
while live:
    for out, _ in poll.poll():
        if os.read(out, 65536):
            continue
        poll.unregister(out)
        os.close(out)
        os.waitpid(live.pop(out), 0)
        if started < runs:
            start()
print(json.dumps({"elapsedMs": (time.perf_counter() - began) * 1000}))
