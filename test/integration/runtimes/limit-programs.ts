export type LimitLanguage = "python" | "node" | "shell";

export type LimitBody =
  | "memory"
  | "memoryOfChildren"
  | "time"
  | "timeOfChildren"
  | "processes"
  | "files"
  | "output"
  | "logs"
  | "late"
  | "modest";

/** Of a shell: a fraction of a second of a processor. */
const shortWork = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";

/** Scripts that pass a limit each, and one that passes none. */
export const limitPrograms: Record<LimitLanguage, { script: string; bodies: Record<LimitBody, string> }> = {
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
while True: subprocess.run(["sh", "-c", "${shortWork}"])`,
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
      late: `import time
time.sleep(60)`,
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
for (;;) spawnSync("sh", ["-c", "${shortWork}"]);`,
      processes: `import { spawn } from "node:child_process";
setInterval(() => spawn("sleep", ["60"]).on("error", () => {}), 1);`,
      files: `import { openSync } from "node:fs"; for (let n = 0; n < 10_000; n += 1) openSync("/dev/null");`,
      output: `import { writeSync } from "node:fs"; for (;;) writeSync(1, "x".repeat(4096));`,
      logs: `import { context } from "@streamzero/fx";
console.log("x".repeat(40_000));
for (;;) { context.logging.info("x".repeat(4000)); await new Promise((resolve) => setImmediate(resolve)); }`,
      late: `setTimeout(() => {}, 60_000);`,
      modest: `console.log("within")`,
    },
  },
  shell: {
    script: "main.sh",
    bodies: {
      memory: "{ head -c 300000000 /dev/zero; sleep 60; } | tail -n 1",
      memoryOfChildren: `for n in 1 2 3; do { head -c 60000000 /dev/zero; sleep 60; } | tail -n 1 & done
wait`,
      time: "while :; do :; done",
      timeOfChildren: `while :; do sh -c '${shortWork}'; done`,
      processes: "while :; do sleep 60 & done",
      files: `#!/bin/bash
set -e
for n in {10..10000}; do eval "exec $n</dev/null"; done`,
      output: "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
      logs: `text=$(head -c 8000 /dev/zero | tr '\\0' x)
echo "$text$text$text$text$text"
while :; do fx-context log info "$text"; done`,
      late: "sleep 60",
      modest: "echo within",
    },
  },
};
