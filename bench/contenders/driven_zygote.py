"""A zygote that is asked for each run by another process, and keeps nothing: forks a process for each line of its input and answers with what that printed.

driven_zygote.py SCRIPT UID     UID: of the children; -1: this process's own

Asked: {"id": ..., "params": {...}} on a line of its input. Answered: {"id": ..., "output": ...} on a line of its output. Each process has a session,
a user and limits of its own, none of the descriptors here, and its parameters as its first argument. The script is compiled once, ahead.
"""
import ctypes
import gc
import json
import os
import resource
import select
import sys

PR_SET_NO_NEW_PRIVS = 38
MEMORY, SECONDS, PROCESSES, FILES = 512 << 20, 60, 128, 1024

script, uid = sys.argv[1], int(sys.argv[2])
with open(script, "rb") as file:
    code = compile(file.read(), script, "exec")
ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
gc.collect()
gc.freeze()
poll = select.poll()
poll.register(0, select.POLLIN)
# By the end of its pipe that is read: its request, its process, what it has printed.
live = {}


def start(line):
    out, end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.dup2(end, 1)
        os.closerange(3, 256)
        for kind, most in ((resource.RLIMIT_DATA, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_NOFILE, FILES)):
            resource.setrlimit(kind, (most, most))
        if uid >= 0:
            resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        sys.argv = [script, json.dumps(json.loads(line)["params"])]
        exec(code, {"__name__": "__main__"})
        sys.stdout.flush()
        os._exit(0)
    os.close(end)
    live[out] = [line, pid, b""]
    poll.register(out, select.POLLIN | select.POLLHUP)


def collect(out):
    piece = os.read(out, 65536)
    live[out][2] += piece
    if piece:
        return
    poll.unregister(out)
    os.close(out)
    line, pid, output = live.pop(out)
    os.waitpid(pid, 0)
    answer = {"id": json.loads(line)["id"], "output": output.decode()}
    os.write(1, json.dumps(answer).encode() + b"\n")


rest = b""
while True:
    for descriptor, _ in poll.poll():
        if descriptor != 0:
            collect(descriptor)
            continue
        piece = os.read(0, 65536)
        if not piece:
            os._exit(0)
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            start(line)
