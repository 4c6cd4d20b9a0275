import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { failureOf } from "../../../src/executor/step-failure.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDir, tempDirForFile } from "../../support/temp-dir.ts";
import { ownChanges } from "./process-changes.ts";
import { python } from "./programs.ts";
import { isAlive, openRunner, runScript } from "./script-runs.ts";

const data = tempDirForFile();
let runner: ProcessStepRunner;
beforeAll(async () => {
  runner = await openRunner(data);
});
afterAll(() => runner.close());

function runSource(script: string, source: string, options: Parameters<typeof runScript>[3] = {}) {
  return runScript(runner, { [script]: source }, script, options);
}

describe("a step", () => {
  it("D9: has no result before all that it sent is handled", async () => {
    const { promise, resolve } = Promise.withResolvers<{ id: string }>();
    const source = `import { context } from "@streamzero/fx"; context.events.send("a.b", 1); process.exit(0);`;
    let asked = false;
    const emit = () => {
      asked = true;
      return promise;
    };
    const { result } = runSource("late.mjs", source, { host: { emit } });
    let over = false;
    void result.then(() => {
      over = true;
    });
    await eventually(() => asked);
    // Another whole run goes by meanwhile.
    await runSource("other.py", "print(1)", { request: { slot: 1 } }).result;
    expect(over).toBe(false);
    resolve({ id: "x" });
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
  });

  it("has every event that it did not wait for arrive, also when it exits at once", async () => {
    const text = "x".repeat(1024 * 1024);
    const source = `const { context } = require("@streamzero/fx");
for (let n = 0; n < 4; n++) context.events.send("a." + n, "x".repeat(1024 * 1024));
process.stdout.write("y".repeat(1024 * 1024));
process.exit(0);`;
    const { result, emitted, stdout } = runSource("quick.cjs", source);
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(emitted.map(({ type }) => type)).toEqual(["a.0", "a.1", "a.2", "a.3"]);
    expect(emitted.every(({ data }) => data === text)).toBe(true);
    expect(stdout()).toHaveLength(1024 * 1024);
  });

  it("in a language that nothing runs is unstartable, and says what would run", async () => {
    const { result } = runSource("query.rb", "puts 1");
    expect(await result).toEqual({ kind: "unstartable", message: expect.stringContaining(".py") });
  });

  it("is not started when it was stopped before", async () => {
    const { step, result, stdout } = runSource("hello.py", "print('hello')");
    step.stop("shutdown", 0);
    expect(await result).toMatchObject({ kind: "stopped", reason: "shutdown" });
    expect(stdout()).toBe("");
  });

  it("that prints faster than its output is taken waits, and loses nothing", async () => {
    let taken = 0;
    let inHand = 0;
    let most = 0;
    const output = async ({ bytes }: { bytes: Uint8Array }) => {
      inHand += 1;
      most = Math.max(most, inHand);
      await new Promise((resolve) => setImmediate(resolve));
      taken += bytes.length;
      inHand -= 1;
    };
    const source = `import sys\nfor _ in range(64): sys.stdout.write("x" * 65536)\n`;
    const { result } = runSource("flood.py", source, { host: { output } });
    expect(await result).toMatchObject({ outputBytes: 64 * 65536, truncated: false });
    expect(taken).toBe(64 * 65536);
    expect(most).toBe(1);
  });

  it("that prints 100 MB leaves the executor as small as it was", async () => {
    const before = process.memoryUsage.rss();
    const source = `import sys\nblock = "x" * 65535 + "\\n"\nfor _ in range(1600): sys.stdout.write(block)\n`;
    const { result } = runSource("flood.py", source, { host: { output() {} } });
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0, truncated: true });
    expect(process.memoryUsage.rss() - before).toBeLessThan(80 * 1024 * 1024);
  });

  it("may import its service's own modules, from the root and from beside the script", async () => {
    const files = {
      "top.py": "name = 'top'",
      "steps/near.py": "name = 'near'",
      "steps/main.py": "import top, near; print(top.name, near.name, __name__, __file__.endswith('steps/main.py'))",
    };
    const { result, stdout } = runScript(runner, files, "steps/main.py");
    await result;
    expect(stdout()).toBe("top near __main__ True\n");
  });

  it("ends as Python's own: sys.exit with a message, a number, an atexit, a thread", async () => {
    const source = `import atexit, sys, threading, time
atexit.register(lambda: print("at exit"))
threading.Thread(target=lambda: (time.sleep(0.05), print("thread"))).start()
sys.exit("sorry")`;
    const { result, stdout, stderr } = runSource("exit.py", source);
    expect(await result).toMatchObject({ kind: "exited", exitCode: 1 });
    expect(stdout()).toBe("thread\nat exit\n");
    expect(stderr()).toBe("sorry\n");
  });

  it("says that the script has closed its channel where it has", async () => {
    const python = "import os\nfrom fx_ef import context\nos.closerange(3, 256)\ncontext.state.put('n', 1)";
    const javascript = `import { closeSync, fstatSync } from "node:fs";
import { context } from "@streamzero/fx";
await context.state.put("n", 1);
for (let n = 4; n < 64; n++) try { if (fstatSync(n).isSocket()) closeSync(n); } catch {}
await context.state.put("n", 2);`;
    const request = { runtime: "node" } as const;
    const runs = [
      runScript(runner, { "main.py": python }, "main.py"),
      runScript(runner, { "main.mjs": javascript }, "main.mjs", { request }),
    ];
    for (const { result, stderr } of runs) {
      expect(await result).toMatchObject({ kind: "exited", exitCode: 1 });
      expect(stderr()).toContain("the script has closed the descriptor of the run's channel");
    }
  });

  it("tells of a failure that left no error to read, as that of a script that has closed all that it had", async () => {
    const closing = runSource("close.py", "import os\nos.closerange(0, 256)\nraise ValueError('unheard')");
    const speaking = runSource("speak.py", "raise ValueError('heard')");
    const [mute, told] = [await closing.result, await speaking.result] as Parameters<typeof failureOf>[0][];
    expect(failureOf(mute as NonNullable<typeof mute>, "close.py")?.message).toBe(
      "close.py ended with exit code 1 and told no reason: nothing came from its stderr, which it may have closed",
    );
    expect(failureOf(told as NonNullable<typeof told>, "speak.py")?.message).toBe("speak.py ended with exit code 1");
  });

  it("reads a .js file without a package.json as what its syntax says", async () => {
    const module = runSource("m.js", `import { context } from "@streamzero/fx"; console.log(context.service.id);`);
    await module.result;
    expect([module.stdout(), module.stderr()]).toEqual(["shop/orders\n", ""]);
    const script = runSource("c.js", `const { context } = require("@streamzero/fx"); console.log(context.service.id);`);
    await script.result;
    expect([script.stdout(), script.stderr()]).toEqual(["shop/orders\n", ""]);
  });

  it("may use worker threads and processes of its own", async () => {
    const source = `import { Worker } from "node:worker_threads";
import { fork } from "node:child_process";
import { once } from "node:events";
const worker = new Worker("console.log('worker')", { eval: true });
await once(worker, "exit");
const child = fork("child.mjs");
await once(child, "exit");
console.log("done");`;
    const files = { "main.mjs": source, "child.mjs": "console.log('child')" };
    const { result, stdout, stderr } = runScript(runner, files, "main.mjs");
    expect([await result, stderr()]).toEqual([expect.objectContaining({ kind: "exited", exitCode: 0 }), ""]);
    expect(stdout()).toBe("worker\nchild\ndone\n");
  });

  it("has what it printed before an unhandled error come before the error", async () => {
    const { result, both } = runSource("order.mjs", `console.log("before"); throw new Error("after");`);
    await result;
    expect(both().indexOf("before")).toBe(0);
  });

  it("S2: cannot take the channel away from the next script of its slot", async () => {
    const source = `import os
path = os.path.join(os.path.dirname(os.environ["FX_SCRATCH"]), "c", "s")
for act in (lambda: os.unlink(path), lambda: os.rename(path, path + "x"), lambda: open(path + "y", "w")):
    try:
        act()
        print("done")
    except OSError:
        print("denied")`;
    const { result, stdout } = runSource("unlink.py", source);
    await result;
    expect(stdout()).toBe("denied\ndenied\ndenied\n");
  });

  it("ends with 1 after a rejection that nobody handles", async () => {
    const { result, stderr } = runSource("reject.ts", `Promise.reject(new Error("left alone") as Error);`);
    expect(await result).toMatchObject({ kind: "exited", exitCode: 1 });
    expect(stderr()).toContain("left alone");
  });
});

describe("the launcher", () => {
  it("D7: takes its runs with it when it is killed; they are lost, and the next one runs", async () => {
    const script = runSource("sleep.py", python.source("sleepWithChild"));
    const child = Number(await script.waitFor(/child (\d+)/));
    const self = Number(await script.waitFor(/self (\d+)/));
    process.kill(runner.launcher.pid as number, "SIGKILL");
    expect(await script.result).toMatchObject({ kind: "lost" });
    await eventually(async () => !(await isAlive(child)) && !(await isAlive(self)));
    const next = runSource("hello.py", "print('hello')");
    expect(await next.result).toMatchObject({ kind: "exited", exitCode: 0 });
  });

  it.each(["process", "warm"])("D8: kills every script of the level %s when its executor is killed", async (level) => {
    const entry = fileURLToPath(new URL("./executor-process.ts", import.meta.url));
    const executor = spawn(process.execPath, [entry, tempDir(), level], { stdio: ["pipe", "pipe", "inherit"] });
    let printed = "";
    executor.stdout.on("data", (bytes) => {
      printed += bytes;
    });
    const pids = await eventually(() => /child (\d+)\s+self (\d+)/.exec(printed));
    executor.kill("SIGKILL");
    await eventually(async () => !(await isAlive(Number(pids[1]))) && !(await isAlive(Number(pids[2]))));
  });
});

describe.skipIf(process.getuid?.() !== 0)("S3: where the executor is not root", () => {
  it("Landlock keeps a script from the platform's files and other processes", async () => {
    const entry = fileURLToPath(new URL("./unprivileged.ts", import.meta.url));
    const data = tempDir();
    const { chownSync } = await import("node:fs");
    chownSync(data, 65534, 65534);
    const runnerProcess = spawn(process.execPath, [entry, data], {
      uid: 65534,
      gid: 65534,
      stdio: ["ignore", "pipe", "inherit"],
      env: { PATH: process.env.PATH },
    });
    let printed = "";
    runnerProcess.stdout.on("data", (bytes) => {
      printed += bytes;
    });
    const code = await new Promise((resolve) => runnerProcess.on("close", resolve));
    expect(code).toBe(0);
    const { isolation, read, write, parent, daemon, shell, sql, intruder, boxed, changes, lowered, warm } =
      JSON.parse(printed);
    if (isolation !== "landlock")
      throw new Error("this kernel has no Landlock: the isolation of an executor that is not root is untested");
    expect(read).toMatch(/^(denied .*\n)+$/);
    expect(write).toBe("wrote\ndenied\n");
    expect(parent).toBe("refused\n");
    expect(await isAlive(Number(daemon))).toBe(false);
    expect(shell).toBe("denied\ntest.happened\n");
    // Rule S4: the database is the SQL scripts' alone.
    expect(sql).toBe('[{"n":1}]\n[{"n":2}]\n[{"live":1}]\n');
    expect(intruder).toMatch(/^denied /);
    expect(warm).toEqual(Array(2).fill("[]\nPermissionError\nby the pipes\n"));
    expect(boxed.split("\n")).toEqual([
      "ConnectionRefusedError PermissionError",
      "[True] done",
      "PermissionError ProcessLookupError FileNotFoundError",
      "",
    ]);
    expect(changes).toEqual({ platform: ["\n", "\n"], own: [ownChanges, ownChanges] });
    expect(lowered).toEqual(["7 EPERM\n", "7 EPERM\n", "100\n7\n"]);
  });
});
