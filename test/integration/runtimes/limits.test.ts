import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { noLimits, type RunLimits } from "../../../src/services/run-limits.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { openRunner, runScript, runScriptAhead } from "./script-runs.ts";

const megabyte = 1024 * 1024;

const programs: Record<string, { script: string; bodies: Record<Body, string> }> = {
  python: {
    script: "main.py",
    bodies: {
      memory: `held = []
while True: held.append(bytearray(8 << 20))`,
      memoryOfChildren: `import subprocess, sys, time
hold = "import time; held = b'x' * (60 << 20); print('held', flush=True); time.sleep(60)"
for _ in range(3): subprocess.Popen([sys.executable, "-c", hold])
time.sleep(60)`,
      time: `while True: pass`,
      timeOfChildren: `import subprocess
for _ in range(3): subprocess.run(["sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"])
subprocess.run(["sh", "-c", "while :; do :; done"])`,
      processes: `import os, time
while True:
    try:
        if os.fork() == 0: time.sleep(60)
    except OSError: time.sleep(0.01)`,
      files: `held = [open("/dev/null") for _ in range(10_000)]`,
      output: `import sys
while True: sys.stdout.write("x" * 4096)`,
      logs: `from fx_ef import context
print("x" * 40_000)
while True: context.logging.info("x" * 4000)`,
      modest: `print("within")`,
    },
  },
  node: {
    script: "main.mjs",
    bodies: {
      memory: `const held = []; for (;;) held.push(Buffer.alloc(8 << 20, 1));`,
      memoryOfChildren: `import { spawn } from "node:child_process";
const hold = "const held = Buffer.alloc(60 << 20, 1); setTimeout(() => held, 60_000)";
for (let n = 0; n < 3; n += 1) spawn(process.execPath, ["-e", hold]);
setTimeout(() => {}, 60_000);`,
      time: `for (;;);`,
      timeOfChildren: `import { spawnSync } from "node:child_process";
for (let n = 0; n < 3; n += 1) spawnSync("sh", ["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"]);
spawnSync("sh", ["-c", "while :; do :; done"]);`,
      processes: `import { spawn } from "node:child_process";
setInterval(() => spawn("sleep", ["60"]).on("error", () => {}), 1);`,
      files: `import { openSync } from "node:fs"; for (let n = 0; n < 10_000; n += 1) openSync("/dev/null");`,
      output: `import { writeSync } from "node:fs"; for (;;) writeSync(1, "x".repeat(4096));`,
      logs: `import { context } from "@streamzero/fx";
console.log("x".repeat(40_000));
for (;;) { context.logging.info("x".repeat(4000)); await new Promise((resolve) => setImmediate(resolve)); }`,
      modest: `console.log("within")`,
    },
  },
};
type Body =
  | "memory"
  | "memoryOfChildren"
  | "time"
  | "timeOfChildren"
  | "processes"
  | "files"
  | "output"
  | "logs"
  | "modest";

describe.each([
  "python, forked",
  "python, started ahead",
  "python, started anew",
  "node",
  "node, started ahead",
  "node, spawned",
  "bun",
  "bun, started ahead",
  "bun, spawned",
])("a limit of a script in %s", (name) => {
  const data = tempDirForFile();
  const language = name.startsWith("python") ? "python" : "node";
  const { script, bodies } = programs[language] as (typeof programs)[string];
  let runner: ProcessStepRunner;
  beforeAll(async () => {
    runner = await openRunner(data, /anew|spawned/.test(name) ? "off" : "auto");
  });
  afterAll(() => runner.close());

  const runtime = name.startsWith("bun") ? "bun" : "node";
  const start = name.endsWith("ahead") ? runScriptAhead : runScript;
  const run = async (body: Body, limits: Partial<RunLimits>) =>
    start(runner, { [script]: bodies[body] }, script, {
      request: { runtime, limits: { ...noLimits, ...limits } },
    });

  it("of memory ends a run that takes more, and names the limit", async () => {
    const memoryBytes = 200 * megabyte;
    expect(await (await run("memory", { memoryBytes })).result).toMatchObject({
      kind: "overrun",
      limit: "memoryBytes",
      value: memoryBytes,
    });
  });

  it("of memory counts what a run has started as well", async () => {
    const memoryBytes = 150 * megabyte;
    expect(await (await run("memoryOfChildren", { memoryBytes })).result).toMatchObject({
      kind: "overrun",
      limit: "memoryBytes",
    });
  });

  it("of processor time ends a run that takes more", async () => {
    expect(await (await run("time", { cpuSeconds: 1 })).result).toMatchObject({
      kind: "overrun",
      limit: "cpuSeconds",
      value: 1,
    });
  });

  it("of processor time counts what a run has started as well", async () => {
    expect(await (await run("timeOfChildren", { cpuSeconds: 1 })).result).toMatchObject({
      kind: "overrun",
      limit: "cpuSeconds",
      value: 1,
    });
  });

  // Of a program that is started anew nobody learns how long it took.
  if (name === "python, forked") {
    it.each([
      ["processes", 20, "import os, time\nfor _ in range(200):\n    if os.fork() == 0: time.sleep(60)"],
      [
        "openFiles",
        50,
        "import urllib.request\nheld = []\nwhile True: held.append(urllib.request.urlopen('file:///dev/null'))",
      ],
    ] as const)("of %s is named where the script has no word of its own for it", async (limit, value, source) => {
      const limits = { ...noLimits, [limit]: value };
      const { result } = runScript(runner, { "main.py": source }, "main.py", { request: { limits } });
      expect(await result).toMatchObject({ kind: "overrun", limit, value });
    });

    it("of processor time is named also to a script that does not listen", async () => {
      const source = "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass";
      const limits = { ...noLimits, cpuSeconds: 1 };
      const { result } = runScript(runner, { "main.py": source }, "main.py", { request: { limits } });
      expect(await result).toMatchObject({ kind: "overrun", limit: "cpuSeconds", value: 1 });
    });
  }

  it("of processes ends a run that starts more", async () => {
    expect(await (await run("processes", { processes: 30 })).result).toMatchObject({
      kind: "overrun",
      limit: "processes",
      value: 30,
    });
  });

  it("of open files ends a run that fails over it", async () => {
    expect(await (await run("files", { openFiles: 100 })).result).toMatchObject({
      kind: "overrun",
      limit: "openFiles",
      value: 100,
    });
  });

  it("of output ends a run that writes more", async () => {
    const ended = await (await run("output", { outputBytes: 64 * 1024 })).result;
    expect(ended).toMatchObject({ kind: "overrun", limit: "outputBytes" });
  });

  it("of output counts what a run logs as well", async () => {
    const logs = await (await run("logs", { outputBytes: 64 * 1024 })).result;
    expect(logs).toMatchObject({ kind: "overrun", limit: "outputBytes", value: 64 * 1024 });
  });

  it("is not felt by a run that stays within all of them", async () => {
    const all = { memoryBytes: 300 * megabyte, cpuSeconds: 10, processes: 100, openFiles: 256, outputBytes: 1024 };
    const { result, stdout } = await run("modest", all);
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(stdout()).toBe("within\n");
  });
});
