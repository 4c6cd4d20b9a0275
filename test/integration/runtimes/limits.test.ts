import { execFile } from "node:child_process";
import { chownSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import type { StepRequest } from "../../../src/executor/step-runner.ts";
import { type LimitName, noLimits, type RunLimits } from "../../../src/services/run-limits.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { type LimitLanguage, limitPrograms } from "./limit-programs.ts";
import { openRunner, runScript, runScriptAhead } from "./script-runs.ts";
import type { UnprivilegedRun } from "./unprivileged-runs.ts";
import { warmService } from "./warm-service.ts";

const megabyte = 1024 * 1024;

interface Way {
  language: LimitLanguage;
  runtime?: StepRequest["runtime"];
  level?: StepRequest["isolation"]["level"];
  starts?: "ahead" | "anew";
}

const bun = { language: "node", runtime: "bun" } as const;
const node = { language: "node", runtime: "node" } as const;
const python = { language: "python" } as const;
const shell = { language: "shell" } as const;

const ways: [string, Way][] = [
  ["python, forked", python],
  ["python, started ahead", { ...python, starts: "ahead" }],
  ["python, started anew", { ...python, starts: "anew" }],
  ["python, in a sandbox", { ...python, level: "sandbox" }],
  ["python, in a warm process", { ...python, level: "warm" }],
  ["node", node],
  ["node, started ahead", { ...node, starts: "ahead" }],
  ["node, spawned", { ...node, starts: "anew" }],
  ["node, in a sandbox", { ...node, level: "sandbox" }],
  ["node, in a warm process", { ...node, level: "warm" }],
  ["bun", bun],
  ["bun, started ahead", { ...bun, starts: "ahead" }],
  ["bun, spawned", { ...bun, starts: "anew" }],
  ["bun, in a sandbox", { ...bun, level: "sandbox" }],
  ["bun, in a warm process", { ...bun, level: "warm" }],
  ["shell", shell],
  ["shell, spawned", { ...shell, starts: "anew" }],
  ["shell, in a sandbox", { ...shell, level: "sandbox" }],
];

const passedInPython: [string, string, LimitName, number][] = [
  [
    "of memory counts files without a name",
    `import os, time
file = os.memfd_create("held")
for _ in range(200): os.write(file, bytes(1 << 20))
time.sleep(60)`,
    "memoryBytes",
    64 * megabyte,
  ],
  [
    "of processes ends a run that fails over it without a word of its own",
    // As an ordinary user, whom the kernel refuses none, it has them until it is looked at.
    `import os, time
for _ in range(200):
    if os.fork() == 0: time.sleep(60)
time.sleep(60)`,
    "processes",
    20,
  ],
  [
    "of processes ends a run that was refused one and says nothing of it",
    `import os
try:
    while True:
        if os.fork() == 0: os.read(os.pipe()[0], 1)
except OSError: os._exit(3)`,
    "processes",
    20,
  ],
  [
    "of open files ends a run whose error came of it",
    `import urllib.request
held = []
while True: held.append(urllib.request.urlopen("file:///dev/null"))`,
    "openFiles",
    50,
  ],
];

const inPrivateFiles: (typeof passedInPython)[number] = [
  "of memory counts its own shared memory with the rest",
  `import time
held = bytearray(b"x") * (60 << 20)
with open("/dev/shm/held", "wb") as file: file.write(held)
time.sleep(60)`,
  "memoryBytes",
  100 * megabyte,
];

const unheardInPython: (typeof passedInPython)[number] = [
  "of processor time ends a run that does not listen",
  `import signal
signal.signal(signal.SIGXCPU, signal.SIG_IGN)
while True: pass`,
  "cpuSeconds",
  1,
];

/** Memory of its own that five processes have after a fork, and a file without a name that they have all mapped. */
const sharing = `import mmap, os, time
held = bytearray(b"x") * (40 << 20)
file = os.memfd_create("held")
os.ftruncate(file, 40 << 20)
mapped = mmap.mmap(file, 40 << 20)
children = []
for _ in range(4):
    children.append(os.fork())
    if children[-1] == 0:
        for page in range(0, 40 << 20, 4096): mapped[page] = 1
        time.sleep(0.5)
        os._exit(0)
for child in children: os.waitpid(child, 0)
print("within")`;

describe.each(ways)("a limit of a script in %s", (name, { language, runtime, level = "process", starts }) => {
  const data = tempDirForFile();
  const { script, bodies } = limitPrograms[language];
  let runner: ProcessStepRunner;
  beforeAll(async () => {
    runner = await openRunner(data, starts === "anew" ? "off" : "auto");
  });
  afterAll(() => runner.close());

  async function resultOf(source: string, limits: Partial<RunLimits>, more: Partial<StepRequest> = {}) {
    const files = { [script]: source };
    const isolation = { level, network: false };
    const request = { runtime, isolation, limits: { ...noLimits, ...limits }, ...more };
    const run =
      level === "warm"
        ? warmService(runner, files).run({ request })
        : await (starts === "ahead" ? runScriptAhead : runScript)(runner, files, script, { request });
    return { result: await run.result, stdout: run.stdout() };
  }

  const passed: [string, string, LimitName, number][] = [
    ["of memory ends a run that takes more", bodies.memory, "memoryBytes", 200 * megabyte],
    ["of memory counts what a run has started as well", bodies.memoryOfChildren, "memoryBytes", 150 * megabyte],
    ["of processes ends a run that starts more", bodies.processes, "processes", 30],
    ["of output ends a run that writes more", bodies.output, "outputBytes", 64 * 1024],
    ["of output counts what a run logs as well", bodies.logs, "outputBytes", 64 * 1024],
    ...(language === "python" ? passedInPython : []),
    ...(language === "python" && level === "sandbox" ? [inPrivateFiles] : []),
    // Of a program that is started anew nobody learns how long it took.
    ...(name === "python, forked" ? [unheardInPython] : []),
  ];
  // Slots in turn: what a run has left counts for the user of its slot until the system has collected it.
  const rows = passed.map((row, at) => [...row, at % 4] as const);
  it.each(rows)("%s, and is named", async (_, source, limit, value, slot) => {
    const { result } = await resultOf(source, { [limit]: value }, { slot });
    expect(result).toMatchObject({ kind: "overrun", limit, value });
  });

  it("of processor time ends a run that takes more, with what it has started as well, and is named", async () => {
    const both = [bodies.time, bodies.timeOfChildren].map((source, slot) =>
      resultOf(source, { cpuSeconds: 1 }, { slot }),
    );
    const overrun = { result: { kind: "overrun", limit: "cpuSeconds", value: 1 } };
    expect(await Promise.all(both)).toMatchObject([overrun, overrun]);
  });

  if (language === "python") {
    it("of memory counts once what processes share", async () => {
      const { result, stdout } = await resultOf(sharing, { memoryBytes: 150 * megabyte });
      expect(result).toMatchObject({ kind: "exited", exitCode: 0 });
      expect(stdout).toBe("within\n");
    });
  }

  if (language === "node" && runtime !== "bun") {
    it.each(["Buffer.alloc(4e9)", "new ArrayBuffer(4e9)"])(
      "of memory is named where the kernel refuses it before a look: %s",
      async (source) => {
        const value = 200 * megabyte;
        const { result } = await resultOf(source, { memoryBytes: value });
        expect(result).toMatchObject({ kind: "overrun", limit: "memoryBytes", value });
      },
    );
  }

  it("of time ends a run that takes longer, and is named", async () => {
    const { result } = await resultOf(bodies.late, {}, { timeoutMs: 300 });
    expect(result).toMatchObject({ kind: "timeout", timeoutMs: 300 });
  });

  it("of open files ends a run that fails over it, and is named where the script's language tells", async () => {
    const { result } = await resultOf(bodies.files, { openFiles: 100 });
    expect(result).toMatchObject(
      language === "shell" ? { kind: "exited", exitCode: 1 } : { kind: "overrun", limit: "openFiles", value: 100 },
    );
  });

  it("is not felt by a run that stays within all of them", async () => {
    const all = { memoryBytes: 300 * megabyte, cpuSeconds: 10, processes: 100, openFiles: 256, outputBytes: 1024 };
    const { result, stdout } = await resultOf(bodies.modest, all);
    expect(result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(stdout).toBe("within\n");
  });
});

describe.skipIf(process.getuid?.() !== 0)("a limit of a script where the executor is not root", () => {
  const levels = ["process", "sandbox", "warm"] as const;
  const asked = [
    ...levels.flatMap((level) => passedInPython.map((row) => runOf(level, row))),
    runOf("sandbox", inPrivateFiles),
  ];
  const counted = {
    level: "sandbox",
    script: "main.py",
    source: `import os, resource
most = resource.getrlimit(resource.RLIMIT_NPROC)[1]
resource.setrlimit(resource.RLIMIT_NPROC, (4, most))
count = 1
try:
    while True:
        if os.fork() == 0: os.read(os.pipe()[0], 1)
        count += 1
except BlockingIOError: print(most, count)`,
    limits: { processes: 8 },
  };
  const others = { "main.ts": "console.log('within');", "main.sh": "echo within" };
  const within = Object.entries(others).map(([script, source]) => ({ level: "sandbox", script, source, limits: {} }));
  let ended: { results: unknown[]; isolation: string };
  beforeAll(async () => {
    const data = tempDirForFile();
    chownSync(data, 65534, 65534);
    const entry = fileURLToPath(new URL("./unprivileged-runs.ts", import.meta.url));
    const user = { uid: 65534, gid: 65534, env: { PATH: process.env.PATH } };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [entry, data, JSON.stringify([...asked, ...within, counted])],
      user,
    );
    ended = JSON.parse(stdout);
    if (ended.isolation !== "landlock") throw new Error("this kernel has no Landlock");
  });

  it("of processes is the kernel's too in a sandbox, with 64 to spare, and counts those of the run and who waits for it alone", () => {
    expect(ended.results.at(-1)).toMatchObject({ kind: "exited", exitCode: 0, said: "73 3\n" });
  });

  it("lets scripts of other languages start in a sandbox", () => {
    const started = ended.results.slice(asked.length, -1);
    expect(started).toMatchObject(within.map(() => ({ kind: "exited", exitCode: 0, said: "within\n" })));
  });

  it.each(asked.map(({ level, name, limit, value }, at) => [level, name, limit, value, at] as const))(
    "%s: %s, and is named",
    (_, __, limit, value, at) => {
      expect(ended.results[at]).toMatchObject({ kind: "overrun", limit, value });
    },
  );
});

function runOf(level: UnprivilegedRun["level"], [name, source, limit, value]: (typeof passedInPython)[number]) {
  return { level, name, script: "main.py", source, limits: { [limit]: value }, limit, value };
}
