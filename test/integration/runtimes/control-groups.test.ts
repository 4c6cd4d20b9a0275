import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { probeControlGroups } from "../../../src/executor/isolation/control-groups.ts";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { findPython } from "../../../src/executor/runtimes/find-python.ts";
import { runTool } from "../../../src/executor/runtimes/run-tool.ts";
import { noLimits, type RunLimits } from "../../../src/services/run-limits.ts";
import { eventually } from "../../support/eventually.ts";
import { sayUntested } from "../../support/say-untested.ts";
import { tempDir, tempDirForFile } from "../../support/temp-dir.ts";
import { isAlive, openRunner, runScript } from "./script-runs.ts";
import { warmService } from "./warm-service.ts";

const megabyte = 1024 * 1024;

/** Anybody's, since whoever was told to use it can only be disappointed. */
const findAnyPython = () => findPython({ wanted: undefined, searchPath: process.env.PATH, othersMustReach: false });
const probe = (wanted: string, fork: "auto" | "off" = "auto") =>
  probeControlGroups({ wanted, fork, findPython: findAnyPython });

describe("control groups", () => {
  it.each([
    ["are not made where a setting says so", "off", "auto", /executor\.cgroup/],
    ["are not made for runs that are started anew", "auto", "off", /executor\.fork/],
    [
      "are not made in a directory that is no control group",
      "/usr",
      "auto",
      /\/usr is no directory of a control group/,
    ],
  ] as const)("%s", async (_, wanted, fork, why) => {
    expect(await probe(wanted, fork)).toEqual({ hindrance: expect.stringMatching(why) });
  });

  const v2 = (root: string, at: string) => `30 23 0:26 ${root} ${at} rw,relatime shared:4 - cgroup2 cgroup2 rw\n`;
  const v1 = "29 23 0:25 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
  it.each([
    ["a unit's", "0::/system.slice/fx.service\n", v2("/", "/sys/fs/cgroup"), "/sys/fs/cgroup/system.slice/fx.service"],
    ["the top of a container's", "0::/\n", v2("/", "/sys/fs/cgroup"), "/sys/fs/cgroup"],
    ["one in a part that is mounted", "0::/docker/1/a\n", v2("/docker/1", "/sys/fs/cgroup"), "/sys/fs/cgroup/a"],
    ["one beside version 1", "4:memory:/x\n0::/y\n", v1 + v2("/", "/mnt/two\\040words"), "/mnt/two words/y"],
    ["none that is outside of the namespace", "0::/../other\n", v2("/", "/sys/fs/cgroup"), undefined],
    ["none that is not mounted", "0::/docker/2\n", v2("/docker/1", "/sys/fs/cgroup"), undefined],
    ["none where there is version 1 alone", "4:memory:/x\n", v1, undefined],
  ])("find the group of a process: %s", async (_, cgroup, mountinfo, expected) => {
    const directory = tempDir();
    writeFileSync(join(directory, "cgroup"), cgroup);
    writeFileSync(join(directory, "mountinfo"), mountinfo);
    const program = `import sys
sys.path.insert(0, sys.argv[1])
import control_groups
try: print(control_groups.own_group(sys.argv[2])[1], end="")
except control_groups.Hindrance: pass`;
    const { command } = await findAnyPython();
    const isolation = join(import.meta.dirname, "../../../src/executor/isolation");
    expect(await runTool(command, ["-I", "-B", "-c", program, isolation, directory])).toBe(expected ?? "");
  });
});

// Only where the kernel's controllers are on version 2, and this process may divide its group.
const found = await probe("auto");
if ("hindrance" in found) {
  sayUntested("runs in control groups of their own, which test/machine/run.sh tests", found.hindrance);
} else {
  describe("a run in a control group", () => {
    const data = tempDirForFile();
    let runner: ProcessStepRunner;
    let groups: string;
    beforeAll(async () => {
      runner = await openRunner(data);
      if ("hindrance" in runner.controlGroups) throw new Error(runner.controlGroups.hindrance);
      groups = runner.controlGroups.directory;
    });
    afterAll(() => runner.close());

    const run = (source: string, limits: Partial<RunLimits> = {}) =>
      runScript(runner, { "main.py": source }, "main.py", { request: { limits: { ...noLimits, ...limits } } });
    const left = () => readdirSync(groups, { withFileTypes: true }).filter((entry) => entry.isDirectory());

    it("is in it from its first line, and cannot leave it", async () => {
      const script = run(`print(open("/proc/self/cgroup").read().split("0::")[1].strip())
for path in ("cgroup.procs", "memory.max"):
    try: open("${groups}/" + path, "w").write("0"); print("written")
    except OSError as error: print(error.strerror)`);
      expect(await script.result).toMatchObject({ kind: "exited", exitCode: 0 });
      expect(script.stdout()).toMatch(/\/fx-[\w-]+\/\d+-\d+\nPermission denied\nPermission denied\n$/);
    });

    const inSharedMemory: [string, string] = [
      "in files of the machine's memory",
      `import os
with open(f"/dev/shm/fx-held-{os.getpid()}", "wb") as file:
    os.unlink(file.name)
    while True: file.write(bytes(1 << 20))`,
    ];
    const ways: [string, string][] = [
      // Without a user of its own, Landlock keeps a run from these.
      ...(process.getuid?.() === 0 ? [inSharedMemory] : []),
      [
        "in files without a name",
        `import os
file = os.memfd_create("held")
while True: os.write(file, bytes(1 << 20))`,
      ],
      [
        "in a child that left its session",
        `import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        held = [os.memfd_create("held")]
        while True: os.write(held[0], bytes(1 << 20))
    os._exit(0)
time.sleep(60)`,
      ],
    ];
    it.each(ways)("is ended by the kernel for memory %s, and the limit is named", async (_, source) => {
      const memoryBytes = 100 * megabyte;
      expect(await run(source, { memoryBytes }).result).toMatchObject({
        kind: "overrun",
        limit: "memoryBytes",
        value: memoryBytes,
      });
      expect(left()).toEqual([]);
    });

    it("is ended when it is refused a process, and the limit is named", async () => {
      const source = `import os, time
while True:
    try:
        if os.fork() == 0: time.sleep(60)
    except OSError: time.sleep(0.01)`;
      expect(await run(source, { processes: 20 }).result).toMatchObject({ kind: "overrun", limit: "processes" });
      expect(left()).toEqual([]);
    });

    it("fails over a process that it was refused between two looks", async () => {
      const source = `import subprocess, sys
for _ in range(30): subprocess.Popen(["sleep", "60"])`;
      expect(await run(source, { processes: 20 }).result).toMatchObject({ kind: "overrun", limit: "processes" });
    });

    it("has passed no limit if it was refused a process and did well, nor in a later run of a warm process", async () => {
      const program = `import os, sys
sys.path[:0] = [sys.argv[1], os.path.join(os.path.dirname(sys.argv[1]), "isolation")]
import clone, run_group
group = run_group.RunGroup(sys.argv[2], os.getpid(), "refused", 0, 2)
pid = clone.fork(0, group.fd)
if pid == 0:
    try:
        for _ in range(2):
            if os.fork() == 0: os.read(os.pipe()[0], 1)
    except OSError: os._exit(0)
    os._exit(1)
status = os.waitpid(pid, 0)[1]
print(status, group.passed(), group.passed(1), group.passed(0), end=" ")
group.forgive()
print(group.passed())
while not group.remove(): pass`;
      const { command } = await findAnyPython();
      const zygote = join(import.meta.dirname, "../../../src/executor/zygote");
      const answer = await runTool(command, ["-I", "-B", "-c", program, zygote, groups]);
      expect(answer).toBe("0 processes processes None None\n");
    });

    it("that is one of a warm process's ends for what it is refused itself, and not for what an earlier run was", async () => {
      const source = `import os
from fx_ef import get_param
def is_refused():
    children = []
    try:
        while True:
            child = os.fork()
            if child == 0: os.read(os.pipe()[0], 1)
            children.append(child)
    except OSError:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)
print(os.getpid())
exec(get_param("do"))`;
      const service = warmService(runner, { "main.py": source });
      const request = { limits: { ...noLimits, processes: 4 } };
      const does = async (words: string) => {
        const { result, stdout } = service.run({ params: { do: words }, request });
        return { result: await result, pid: stdout() };
      };
      const first = await does("is_refused()");
      // Longer than its process is not looked at.
      const second = await does("import time; time.sleep(1)");
      const exited = { kind: "exited", exitCode: 0 };
      expect([first, second]).toMatchObject([{ result: exited }, { result: exited, pid: first.pid }]);
      const third = await does("while True: is_refused()");
      expect(third).toMatchObject({ result: { kind: "overrun", limit: "processes" }, pid: first.pid });
    });

    it("leaves no process behind, whatever its processes do to get away", async () => {
      const source = `import os, sys, time
def away(depth):
    if os.fork() == 0:
        os.setsid()
        os.environ.clear()
        if depth: away(depth - 1)
        print(os.getpid(), flush=True)
        os.closerange(0, 100)
        while True: time.sleep(60)
away(5)
time.sleep(0.3)`;
      const script = run(source);
      expect(await script.result).toMatchObject({ kind: "exited", exitCode: 0 });
      const pids = script.stdout().trim().split("\n").map(Number);
      expect(pids).toHaveLength(6);
      expect(await Promise.all(pids.map(isAlive))).toEqual(pids.map(() => false));
      expect(left()).toEqual([]);
    });

    it("is gone with its group when the zygote is killed", async () => {
      const script = run(`import os, sys, time
print("up", os.getpid(), flush=True)
time.sleep(60)`);
      const pid = Number(await script.waitFor(/up (\d+)/));
      const python = await runner.runtimes.forScript("main.py")?.probe();
      const zygote = python?.available ? runner.zygotes?.of(python.command)?.pid : undefined;
      process.kill(zygote as number, "SIGKILL");
      expect(await script.result).toMatchObject({ kind: "lost" });
      await eventually(async () => !(await isAlive(pid)));
      // The next one, which is started at once, removes what it finds of one that is gone.
      await eventually(() => left().length === 0);
    });
  });

  it("what a killed platform left running in its groups is ended by the next one of the same directory", async () => {
    const data = tempDirForFile();
    const first = await openRunner(data);
    const script = runScript(first, { "main.py": "import time\nprint('up', flush=True)\ntime.sleep(60)" }, "main.py");
    await script.waitFor(/(up)/);
    // It was never closed, as by a kill: only its groups are known to the next one.
    const next = await openRunner(data);
    expect(await script.result).not.toMatchObject({ kind: "exited", exitCode: 0 });
    await next.close();
    await first.close();
    const { directory = "" } = "directory" in next.controlGroups ? next.controlGroups : {};
    expect(existsSync(directory)).toBe(false);
  });
}
