import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findPython } from "../../../src/executor/runtimes/find-python.ts";
import { runTool } from "../../../src/executor/runtimes/run-tool.ts";
import { sayUntested } from "../../support/say-untested.ts";
import { isAlive } from "./script-runs.ts";

const executor = join(import.meta.dirname, "../../../src/executor");

async function python(program: string): Promise<string> {
  const { command } = await findPython({ searchPath: process.env.PATH, othersMustReach: false });
  const start = `import os, sys\nsys.path[:0] = ["${executor}/isolation", "${executor}/zygote"]\nimport clone, control_groups, run_group\n`;
  return (await runTool(command, ["-I", "-B", "-c", start + program])).trim();
}

/** The group of this process, where groups can be made in it; that takes no controller. */
async function writableGroup(): Promise<string | undefined> {
  if (process.platform !== "linux") return undefined;
  const own = await python("try: print(control_groups.own_group()[1])\nexcept control_groups.Hindrance: pass");
  try {
    accessSync(own, constants.W_OK);
    accessSync(join(own, "cgroup.procs"), constants.W_OK);
    return own;
  } catch {
    return undefined;
  }
}

const own = await writableGroup();

// Only where a hierarchy of version 2 is mounted and may be written.
if (own === undefined) {
  sayUntested("forks into control groups, which test/machine/run.sh tests", "this process can make no group");
} else {
  it.each(["fork_into", "join"])(
    "a group entered by %s ends all that was started in it, wherever it went",
    async (way) => {
      const answer = await python(`import time
group = run_group.RunGroup("${own}", "fx-test", os.getpid(), 0, 0)
told, tell = os.pipe()
def away(depth):
    if os.fork() == 0:
        os.setsid()
        if depth: away(depth - 1)
        os.write(tell, f"{os.getpid()} ".encode())
        os.closerange(0, 100)
        while True: time.sleep(60)
child = clone.fork(0, group.fd) if "${way}" == "fork_into" else os.fork()
if child == 0:
    if "${way}" == "join": run_group.join(group.fd)
    away(5)
    os._exit(0)
os.close(tell)
os.waitpid(child, 0)
pids = b""
while chunk := os.read(told, 4096): pids += chunk
while not group.remove(): time.sleep(0.001)
print(pids.decode())
print(os.path.exists(group.path))`);
      const [pids = "", exists] = answer.split("\n");
      const started = pids.trim().split(" ").map(Number);
      expect(started).toHaveLength(6);
      expect(await Promise.all(started.map(isAlive))).toEqual(started.map(() => false));
      expect(exists).toBe("False");
    },
  );

  it("a child is born in its group, with all that a fork of Python's gives it", async () => {
    const answer = await python(`import signal, threading
group = run_group.RunGroup("${own}", "fx-test", os.getpid(), 0, 0)
forked = []
os.register_at_fork(before=lambda: forked.append("before"), after_in_child=lambda: forked.append("child"))
told, tell = os.pipe()
pid = clone.fork(0, group.fd)
if pid == 0:
    held = open("/proc/self/cgroup").read().split("0::")[1].strip().endswith(os.path.basename(group.path))
    thread = threading.Thread(target=forked.append, args=("thread",))
    thread.start()
    thread.join()
    os.write(tell, repr((held, forked, threading.get_native_id() == os.getpid())).encode())
    signal.raise_signal(signal.SIGABRT)
os.close(tell)
print(os.read(told, 4096).decode())
print(os.waitpid(pid, 0)[1] == signal.SIGABRT, group.remove())`);
    expect(answer).toBe("(True, ['before', 'child', 'thread'], True)\nTrue True");
  });
}
