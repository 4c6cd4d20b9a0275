import { join } from "node:path";
import { expect, it } from "vitest";
import { findPython } from "../../../src/executor/runtimes/find-python.ts";
import { runTool } from "../../../src/executor/runtimes/run-tool.ts";

const zygote = join(import.meta.dirname, "../../../src/executor/zygote");

async function python(program: string): Promise<string> {
  const { command } = await findPython({ searchPath: process.env.PATH, othersMustReach: false });
  const start = `import os, sys, threading\nsys.path.insert(0, "${zygote}")\nimport run_usage\n`;
  return (await runTool(command, ["-I", "-B", "-c", start + program])).trim();
}

it("what a run has left is counted with its threads, and not what another run has", async () => {
  const answer = await python(`told, tell = os.pipe()
def start(session, threads):
    pid = os.fork()
    if pid == 0:
        if session: os.setsid()
        for _ in range(threads): threading.Thread(target=os.read, args=(os.pipe()[0], 1), daemon=True).start()
        os.write(tell, b".")
        os.read(os.pipe()[0], 1)
    return pid
pids = [start(False, 0), start(False, 2), start(True, 5)]
for _ in pids: os.read(told, 1)
print(run_usage.threads_of(pids, os.getsid(0)), run_usage.threads_of(pids, pids[2]))
for pid in pids:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
print(run_usage.threads_of(pids, os.getsid(0)))`);
  expect(answer.split("\n")).toEqual(["4 6", "0"]);
});

it("files without a name are found among so many descriptors, and no look goes through more", async () => {
  const answer = await python(`import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
limits = run_usage.Limits(memory=100 << 20, processes=0, output=0, seconds=0)
file = os.memfd_create("held")
for _ in range(120): os.write(file, bytes(1 << 20))
print(run_usage.passed_now(limits, run_usage.processes_of(os.getpid(), False)))
others = [os.open("/dev/null", os.O_RDONLY) for _ in range(500)]
print(run_usage.passed_now(limits, run_usage.processes_of(os.getpid(), False)))
os.dup2(file, 4000)
os.close(file)
others += [os.open("/dev/null", os.O_RDONLY) for _ in range(1000)]
print(run_usage.passed_now(limits, run_usage.processes_of(os.getpid(), False)))`);
  expect(answer.split("\n")).toEqual(["memoryBytes", "memoryBytes", "None"]);
});
