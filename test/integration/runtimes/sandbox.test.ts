import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { noLimits } from "../../../src/services/run-limits.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { openRunner, processesIn, runScript } from "./script-runs.ts";

const data = tempDirForFile();
let runner: ProcessStepRunner;
let listener: Server;
let port = 0;
beforeAll(async () => {
  runner = await openRunner(data);
  listener = createServer((socket) => socket.end("reached\n")).listen(0, "127.0.0.1");
  await new Promise((listening) => listener.once("listening", listening));
  port = (listener.address() as { port: number }).port;
});
afterAll(async () => {
  listener.close();
  await runner.close();
});

type Language = "main.py" | "main.ts" | "main.sh";

/** What a script in a sandbox prints. */
async function printed(script: Language, source: string, options: { network?: boolean; slot?: number } = {}) {
  const { network = false, slot = 0 } = options;
  const isolation = { level: "sandbox", network } as const;
  const run = runScript(runner, { [script]: source }, script, {
    params: { port, self: process.pid },
    request: { isolation, slot },
  });
  const result = await run.result;
  return { result, out: run.stdout(), all: run.both(), emitted: run.emitted };
}

const connect: Record<Language, string> = {
  "main.py": `import socket
from fx_ef import context
try: print(socket.create_connection(("127.0.0.1", context.params["port"]), 5).recv(10).decode().strip())
except OSError as error: print("closed", error.errno)
context.events.send("told", {})`,
  "main.ts": `import net from "node:net";
import { context } from "@streamzero/fx";
const answer = await new Promise((resolve) => {
  const socket = net.connect(context.params.get("port") as number, "127.0.0.1");
  socket.on("data", (bytes) => resolve(String(bytes).trim()));
  socket.on("error", (error: NodeJS.ErrnoException) => resolve("closed " + error.code));
});
console.log(answer);
await context.events.send("told", {});`,
  "main.sh": `#!/bin/bash
exec 3<>"/dev/tcp/127.0.0.1/$FX_PARAM_PORT" && head -1 <&3 || echo closed
fx-context send told '{}' >/dev/null`,
};

describe.each(Object.keys(connect) as Language[])("S3: a sandbox, for %s", (script) => {
  it("has no network, and the script's own channel all the same", async () => {
    const { out, emitted } = await printed(script, connect[script]);
    expect(out).toMatch(/^closed/m);
    expect(emitted).toMatchObject([{ type: "told" }]);
  });

  it("has the network where the manifest asks for it", async () => {
    const { out } = await printed(script, connect[script], { network: true });
    expect(out).toBe("reached\n");
  });
});

describe("S3: a script in a sandbox", () => {
  it("sees no process but its own", async () => {
    const { out } = await printed(
      "main.py",
      `import os
from fx_ef import context
seen = [int(name) for name in os.listdir("/proc") if name.isdigit()]
print([pid == os.getpid() for pid in seen])
try: os.kill(context.params["self"], 0)
except OSError as error: print(type(error).__name__)`,
    );
    expect(out).toBe("[True]\nProcessLookupError\n");
  });

  it.each(["SIGTERM", "SIGKILL", "SIGABRT", "SIGXCPU"])("ends by %s as any other script does", async (signal) => {
    const source = `import os, signal\nos.kill(os.getpid(), signal.${signal})\nwhile True: signal.pause()`;
    expect((await printed("main.py", source)).result).toMatchObject({ kind: "signalled", signal });
  });

  it.each(["process", "sandbox"] as const)("has all of its limits to itself, as at the level %s", async (level) => {
    const limits = { ...noLimits, processes: 1, memoryBytes: 24 * 1024 * 1024 };
    const source = "import time\nkept = bytearray(8 * 1024 * 1024)\ntime.sleep(0.5)\nprint(len(kept))";
    const run = runScript(runner, { "main.py": source }, "main.py", {
      request: { limits, isolation: { level, network: false } },
    });
    expect(await run.result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(run.stdout()).toBe("8388608\n");
  });

  it("can do nothing to the process that waits for its end, and nothing to a process outside", async () => {
    const { out } = await printed(
      "main.py",
      `import os, signal
from fx_ef import context
def tried(what):
    try: return what() or "done"
    except OSError as error: return type(error).__name__
for pid in (1, context.params["self"]):
    print(tried(lambda: os.kill(pid, signal.SIGKILL)), tried(lambda: os.getsid(pid) and "seen"), tried(lambda: open(f"/proc/{pid}/stat")))`,
    );
    expect(out).toBe(
      "PermissionError seen FileNotFoundError\nProcessLookupError ProcessLookupError FileNotFoundError\n",
    );
  });

  it("D8: is gone with all that it started when the process that waits for it is killed", async () => {
    const run = runScript(runner, { "main.sh": "setsid sleep 600 >&- 2>&- &\necho begun\nwait" }, "main.sh", {
      request: { isolation: { level: "sandbox", network: false } },
    });
    await run.waitFor(/(begun)/);
    const [script = 0] = processesIn(run.directory);
    const first = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${script}/status`, "utf8"))?.[1]);
    process.kill(first, "SIGKILL");
    expect(await run.result).toMatchObject({ kind: "signalled", signal: "SIGKILL" });
    expect(processesIn(run.directory)).toEqual([]);
  });

  it("reads neither another service nor what the system keeps beside its programs, and writes to its scratch directory alone", async () => {
    const other = runScript(runner, { "secret.py": "print('mine')" }, "secret.py", { request: { slot: 1 } });
    await other.result;
    const { out } = await printed(
      "main.py",
      `import os
for path in ("${other.directory}/secret.py", "/var", "/home", "/tmp", "${data}"):
    try: print("read", os.path.isdir(path) and os.listdir(path) or open(path).read())
    except OSError as error: print(type(error).__name__)
for path in ("/tmp/x", "/var/tmp/x", "/usr/x", "theirs"):
    try: print("wrote", open(path, "w"))
    except OSError as error: print(type(error).__name__)
open(os.path.join(os.environ["FX_SCRATCH"], "mine"), "w").write("x")
open("/dev/shm/mine", "w").write("x")
print("done")`,
    );
    expect(out).toBe(`${"PermissionError\n".repeat(9)}done\n`);
    const { out: next } = await printed("main.py", `import os\nprint(os.listdir("/dev/shm"))`);
    expect(next).toBe("[]\n");
  });

  it("cannot leave it: mounts, namespaces and other processes' memory are refused", async () => {
    const { out } = await printed(
      "main.py",
      `import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def name(result): return "done" if result == 0 else os.strerror(ctypes.get_errno())
print("unshare", name(libc.unshare(0x10000000)))
print("mount", name(libc.mount(b"none", b"/dev/shm", b"tmpfs", 0, None)))
print("ptrace", name(libc.ptrace(0, 0, 0, 0)))
print("keyctl", name(libc.syscall(250, 0, -3, 1)))
print("io_uring", name(libc.syscall(425, 1, None)))
print("clone", name(libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0)))
import socket
for family in (socket.AF_VSOCK, socket.AF_PACKET, socket.AF_ALG):
    try: socket.socket(family, socket.SOCK_STREAM)
    except OSError as error: print(error.strerror)
    else: print("done")`,
    );
    expect(out.trim().split("\n")).toHaveLength(9);
    expect(out).not.toContain("done");
  });

  it("has no more shared memory than its limit of memory gives it", async () => {
    const source = `import os
try:
    with open("/dev/shm/much", "wb") as file: os.posix_fallocate(file.fileno(), 0, 200 << 20)
    print("wrote", os.path.getsize("/dev/shm/much"))
except OSError as error: print(error.strerror)`;
    const limits = { ...noLimits, memoryBytes: 64 * 1024 * 1024 };
    const isolation = { level: "sandbox", network: false } as const;
    const run = runScript(runner, { "main.py": source }, "main.py", { request: { limits, isolation } });
    await run.result;
    expect(run.stdout()).toBe("No space left on device\n");
  });

  it("runs what ordinary scripts run: threads, child processes, locks between processes, a loopback of its own", async () => {
    const { out, all } = await printed(
      "main.py",
      `import multiprocessing, socket, subprocess, threading
# Processes that are not forked read this file again.
if __name__ == "__main__":
    thread = threading.Thread(target=lambda: print("thread")); thread.start(); thread.join()
    print(subprocess.run(["sh", "-c", "echo child"], capture_output=True, text=True).stdout.strip())
    with multiprocessing.Pool(2) as pool: print(pool.map(abs, [-1, -2]))
    server = socket.create_server(("127.0.0.1", 0)); socket.create_connection(server.getsockname()); print("loopback")`,
    );
    expect(all).toBe(out);
    expect(out).toBe("thread\nchild\n[1, 2]\nloopback\n");
  });
});
