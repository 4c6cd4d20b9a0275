import { chmodSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LaunchEnd } from "../../../src/executor/launcher/launcher.ts";
import { LauncherClient } from "../../../src/executor/launcher/launcher-client.ts";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { findPython } from "../../../src/executor/runtimes/find-python.ts";
import { sdkDirectory } from "../../../src/executor/runtimes/library.ts";
import { runTool } from "../../../src/executor/runtimes/run-tool.ts";
import type { StepRequest } from "../../../src/executor/step-runner.ts";
import { Zygote } from "../../../src/executor/zygote/zygote.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import type { ExecutionId } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { noLimits } from "../../../src/services/run-limits.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDir, tempDirForFile } from "../../support/temp-dir.ts";
import { isAlive, openRunner, runScript, warm } from "./script-runs.ts";

const data = tempDirForFile();
let runner: ProcessStepRunner;
beforeAll(async () => {
  runner = await openRunner(data);
});
afterAll(() => runner.close());

async function zygotePid(): Promise<number> {
  const python = await runner.runtimes.forScript("main.py")?.probe();
  return (python?.available && runner.zygotes?.of(python.command)?.pid) || 0;
}

let versions = 0;

/** Each is of a version of its own: what one imports is not learned for the next, which would be forked from another zygote then. */
function run(source: string, executionId?: string) {
  const id = executionId === undefined ? {} : { executionId: executionId as ExecutionId };
  const request = { context: contextOf(`v${++versions}`), ...id };
  return runScript(runner, { "main.py": source }, "main.py", { request });
}

describe("a forked script", () => {
  it("leaves nothing to the next one: no module, no variable, no patched function", async () => {
    const first = run(`import builtins, json, os, sys, colorsys
builtins.left = json.left = sys.left = "left"
json.dumps = os.environ["LEFT"] = "broken"`);
    expect(await first.result).toMatchObject({ kind: "exited", exitCode: 0 });
    const second = run(`import builtins, json, os, sys
print([hasattr(place, "left") for place in (builtins, json, sys)], "colorsys" in sys.modules, os.environ.get("LEFT"), json.dumps(1))`);
    await second.result;
    expect(second.stdout()).toBe("[False, False, False] False None 1\n");
  });

  it.each([
    ["os._exit(3)", { kind: "exited", exitCode: 3 }],
    ["os.abort()", { kind: "signalled", signal: "SIGABRT" }],
    ["import ctypes; ctypes.string_at(0)", { kind: "signalled", signal: "SIGSEGV" }],
    ["os.kill(os.getpid(), 9)", { kind: "signalled", signal: "SIGKILL" }],
    ["os.kill(os.getppid(), 9)", { kind: "exited", exitCode: 1 }],
    ["os.closerange(0, 100)", { kind: "exited", exitCode: 0 }],
  ])("that ends by %s harms itself alone", async (source, expected) => {
    const before = await zygotePid();
    expect(await run(`import os\n${source}`).result).toMatchObject(expected);
    expect(await run("print('well')").result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(await zygotePid()).toBe(before);
  });

  it("ends as Python ends: threads are waited for, exit functions run, and open files are written", async () => {
    const script = run(`import atexit, os, threading, time
atexit.register(lambda: print("at exit"))
class Told:
    def __del__(self): print("object gone")
told = Told()
threading.Thread(target=lambda: (time.sleep(0.05), print("thread done"))).start()
print("end of script")`);
    expect(await script.result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(script.stdout()).toBe("end of script\nthread done\nat exit\nobject gone\n");
    const written = run(`import os, subprocess, sys
path = os.path.join(os.environ["FX_SCRATCH"], "f")
if os.fork() == 0:
    file = open(path, "w")
    file.write("kept")
    sys.exit()
os.wait()
print(open(path).read())`);
    await written.result;
    expect(written.stdout()).toBe("kept\n");
  });

  it.each([
    ["some modules", `for name in ("json", "json.decoder", "json.encoder", "socket"): sys.modules.pop(name, None)`],
    ["all modules", "sys.modules.clear()"],
  ])("ends as Python ends where the script has taken away %s: what it printed last is there", async (_, takeAway) => {
    const script = run(`import sys
class Told:
    def __del__(self): sys.stdout.write("object gone")
told = Told()
sys.stdout.write("without a newline, ")
${takeAway}
del told`);
    expect(await script.result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(script.both()).toBe("without a newline, object gone");
  });

  it("forgets the script's own modules where it has taken others away, so that their open files are written", async () => {
    const own = `import os\npath = os.path.join(os.environ["FX_SCRATCH"], "f")\nfile = open(path, "w")\n`;
    const main = `import json, os, sys, own
sys.modules.pop("json")
own.file.write("kept")
if os.fork() == 0: sys.exit()
os.wait()
print(open(own.path).read())`;
    const script = runScript(runner, { "own.py": own, "main.py": main }, "main.py");
    await script.result;
    expect(script.both()).toBe("kept\n");
  });

  it("S5: finds nothing in its memory of what other runs have printed", async () => {
    const printed = "over the hills and far away";
    const first = run(`print(${JSON.stringify(printed)} * 1000)\nprint(${JSON.stringify(printed)})`);
    expect(await first.result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(first.stdout()).toContain(printed);
    // The brackets keep the pattern from finding itself.
    const second = run(`import re
printed = re.compile(b"over the hills and far [a]wayover the hills and far [a]way")
found = looked = 0
for line in open("/proc/self/maps"):
    area, rights = line.split()[:2]
    if not rights.startswith("rw"): continue
    start, end = (int(part, 16) for part in area.split("-"))
    with open("/proc/self/mem", "rb", 0) as memory:
        memory.seek(start)
        content = memory.read(end - start)
    looked += len(content)
    found += len(printed.findall(content))
print(looked > 1 << 20, found)`);
    await second.result;
    expect(second.both()).toBe("True 0\n");
  });

  it.each(["process", "warm", "sandbox"] as const)(
    "may open its own output by name, at the level %s",
    async (level) => {
      const python = `import os
for path in ("/dev/stdout", "/proc/self/fd/1"):
    with open(path, "w") as out: print("by name", file=out)
with open("/dev/stderr", "w") as err: print("told", file=err)`;
      const javascript = `import { writeFileSync } from "node:fs";
for (const path of ["/dev/stdout", "/proc/self/fd/1"]) writeFileSync(path, "by name\\n");
writeFileSync("/dev/stderr", "told\\n");`;
      const shell = "echo by name >/dev/stdout; echo by name >/proc/self/fd/1; echo told >/dev/stderr";
      for (const [script, source] of Object.entries({ "main.py": python, "main.mjs": javascript, "main.sh": shell })) {
        const request = { isolation: { level, network: false } };
        const { result, stdout, stderr } = runScript(runner, { [script]: source }, script, { request });
        expect([script, await result, stderr()]).toMatchObject([script, { kind: "exited", exitCode: 0 }, "told\n"]);
        expect(stdout()).toBe("by name\nby name\n");
      }
    },
  );

  it("S3: cannot open another run's output", async (test) => {
    if (process.getuid?.() !== 0) return test.skip("scripts have users of their own where the executor is root");
    const other = run("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)");
    const pid = await other.waitFor(/(\d+)/);
    const source = `for mode in "rw":
    for descriptor in (1, 2):
        try: open("/proc/${pid}/fd/%d" % descriptor, mode); print("opened")
        except PermissionError: print("refused")`;
    const { result, stdout } = runScript(runner, { "main.py": source }, "main.py", { request: { slot: 1 } });
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(stdout()).toBe("refused\n".repeat(4));
    other.step.stop("cancelled", 0);
    await other.result;
  });

  it("has got nothing imported ahead that each fork would pay for", async () => {
    const script = run(`import sys\nprint([name for name in ("threading", "sysconfig") if name in sys.modules])`);
    await script.result;
    expect(script.stdout()).toBe("[]\n");
    const later = run(
      "import sysconfig, threading\nprint(sysconfig.get_python_version() != '', threading.active_count())",
    );
    await later.result;
    expect(later.both()).toBe("True 1\n");
  });

  it("has gained no descriptor of the platform, and cannot gain privileges", async () => {
    const script = run(`import os
print(sorted(int(name) for name in os.listdir("/proc/self/fd"))[:4])
print([os.readlink("/proc/self/fd/" + name).split(":")[0] for name in sorted(os.listdir("/proc/self/fd"), key=int)[4:-1]])
print(open("/proc/self/status").read().split("NoNewPrivs:")[1].split()[0])`);
    await script.result;
    // Beyond the four of every script there is the channel alone.
    expect(script.stdout()).toBe("[0, 1, 2, 3]\n['socket']\n1\n");
  });
});

describe("the zygote", () => {
  it("S2: holds nothing of the runs that it has forked, neither while they run nor after", async () => {
    const id = "deadbeef-0000-7000-8000-5ec7e7000001";
    const script = run("import time\nprint('begun', flush=True)\ntime.sleep(60)", id);
    await script.waitFor(/(begun)/);
    expect(await memoryHolds(await zygotePid(), id)).toBe(false);
    expect(await memoryHolds(await zygotePid(), "fx_forked")).toBe(true);
    script.step.stop("cancelled", 0);
    await script.result;
    expect(await memoryHolds(await zygotePid(), id)).toBe(false);
  });

  it("D8: takes its runs along when it is killed; they are lost, and another takes its place", async () => {
    const before = await zygotePid();
    const script = run(`import os, subprocess, time
child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
print("pids", os.getpid(), child.pid, flush=True)
time.sleep(60)`);
    const [self, child] = (await script.waitFor(/pids (\d+ \d+)/)).split(" ").map(Number);
    process.kill(before, "SIGKILL");
    expect(await script.result).toMatchObject({ kind: "lost" });
    await eventually(async () => !(await isAlive(self as number)) && !(await isAlive(child as number)));
    expect(await run("print('cold or warm')").result).toMatchObject({ kind: "exited", exitCode: 0 });
    await warm(runner);
    expect(await zygotePid()).not.toBe(before);
  });
});

describe("a script that imports much", () => {
  const heavy = `import sys
print("ssl" in sys.modules)
import asyncio, email.message, http.client, sqlite3, ssl, sysconfig, urllib.request
# What that reads is a module whose name is no identifier.
sysconfig.get_config_vars()
import own`;
  const files = { "main.py": heavy, "own.py": "" };
  const request = { context: contextOf("heavy") };

  it("finds it imported once it was seen to import it, and modules of its service never", async () => {
    const first = runScript(runner, files, "main.py", { request });
    await first.result;
    expect(first.stdout()).toBe("False\n");
    await eventually(async () => {
      const later = runScript(runner, files, "main.py", { request });
      await later.result;
      return later.stdout() === "True\n";
    });
    const another = run(`import sys\nprint("ssl" in sys.modules)`);
    await another.result;
    expect(another.stdout()).toBe("False\n");
    const named = runScript(runner, { ...files, "main.py": `import sys\nprint("own" in sys.modules)` }, "main.py", {
      request,
    });
    await named.result;
    expect(named.stdout()).toBe("False\n");
  });

  it.each([
    ["invents the names of modules", `[f"invented_{fx_ef.get_param('run')}_{n}" for n in range(20)]`],
    ["names other modules", `sorted(sys.stdlib_module_names)[fx_ef.get_param("run") * 15 :][:20]`],
  ])("keeps its zygote when another %s with each run, which gets one at most", async (_, names) => {
    const own = await openRunner(tempDir());
    try {
      const isImported = async () => {
        const honest = runScript(own, files, "main.py", { request });
        await honest.result;
        return honest.stdout() === "True\n";
      };
      await eventually(isImported);
      const source = `import sys, fx_ef\nfx_ef._context._channel.tell("imports", modules=${names})`;
      for (let count = 0; count < 15; count += 1) {
        const context = { ...contextOf("inventive"), params: { run: count } };
        const inventive = runScript(own, { "main.py": source }, "main.py", { request: { context } });
        expect([await inventive.result, inventive.both()]).toMatchObject([{ kind: "exited", exitCode: 0 }, ""]);
      }
      expect(await isImported()).toBe(true);
      // The plain one, the one that imports much, and none or one beside these.
      await eventually(() => zygotesOf(own).length <= 3);
    } finally {
      await own.close();
    }
  });

  it("gets nothing ahead that starts threads, opens files, or belongs to a service, and what everybody may write to or is not the interpreter's is not even tried", async () => {
    const directory = tempDir();
    const inside = join(directory, "inside");
    mkdirSync(join(inside, "open_package"), { recursive: true });
    chmodSync(inside, 0o755);
    const leavesTrace = (file: string) => writeFileSync(file, `open(${JSON.stringify(`${file}.ran`)}, "w").close()`);
    leavesTrace(join(directory, "outside.py"));
    leavesTrace(join(inside, "open_file.py"));
    leavesTrace(join(inside, "open_package", "__init__.py"));
    chmodSync(join(inside, "open_file.py"), 0o666);
    chmodSync(join(inside, "open_package"), 0o777);
    mkdirSync(join(inside, "parted"));
    writeFileSync(join(inside, "parted", "__init__.py"), `__path__ = [${JSON.stringify(directory)}]`);
    writeFileSync(join(inside, "plain.py"), "");
    writeFileSync(
      join(inside, "threads.py"),
      "import threading, time\nthreading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
    );
    writeFileSync(join(inside, "opens.py"), "held = open('/dev/null')");
    writeFileSync(join(inside, "fails.py"), "raise ValueError");
    const zygoteDirectory = join(import.meta.dirname, "../../../src/executor/zygote");
    const { command } = await findPython({ searchPath: process.env.PATH, othersMustReach: false });
    const printed = await runTool(command, [
      "-I",
      "-c",
      `import sys
sys.path[:0] = [${JSON.stringify(zygoteDirectory)}, ${JSON.stringify(inside)}, ${JSON.stringify(directory)}]
import preload
preload.BASE = preload.OWN = ${JSON.stringify(`${inside}/`)}
names = ["plain", "threads", "opens", "fails", "outside", "parted.outside", "open_file", "open_package", "missing"]
print(preload.load(names))
print([name for name in names if name in sys.modules])`,
    ]);
    const refused = "threads opens fails outside parted.outside open_file open_package missing";
    const told = `{'isWorthIt': False, 'refused': [${refused.replace(/\S+/g, "'$&'").replaceAll(" ", ", ")}]}`;
    expect(printed).toBe(`${told}\n['plain']\n`);
    const traces = [...readdirSync(directory), ...readdirSync(inside), ...readdirSync(join(inside, "open_package"))];
    expect(traces.filter((name) => name.endsWith(".ran"))).toEqual([]);
  });
});

/** Their keepers, which they fork, are not counted. */
function zygotesOf({ launcher }: ProcessStepRunner): string[] {
  const children = readFileSync(`/proc/${launcher.pid}/task/${launcher.pid}/children`, "utf8").split(" ");
  return children.filter(Boolean);
}

describe("a zygote is replaced, and what it has begun ends undisturbed", () => {
  it("when it has grown", () => replaced(tempDir(), -1, () => {}));

  it("when its interpreter was exchanged", () =>
    replaced(tempDir(), undefined, (python) => utimesSync(python, new Date(), new Date())));
});

it("tells a run that cannot begin in its own output, before that is in its place as well", async () => {
  const directory = tempDir();
  const complaints: unknown[] = [];
  const log = { ...silentLog, warn: (fields: unknown) => void complaints.push(fields) };
  const around = { clock: systemClock, log };
  const { command: python } = await findPython({ searchPath: process.env.PATH, othersMustReach: false });
  const launcher = new LauncherClient(around);
  const sdk = join(sdkDirectory, "python");
  const socketDirectory = join(directory, "z");
  mkdirSync(socketDirectory, { mode: 0o700 });
  const zygote = new Zygote({ ...around, groups: undefined, preload: [], launcher, python, sdk, socketDirectory });
  try {
    await eventually(() => zygote.isReady);
    const run = { user: undefined, limits: noLimits, setAsideBytes: 0, landlock: undefined };
    const bounds = { ttlMs: 10_000, outputCapBytes: 1000 };
    const told = async (request: { cwd: string; env: Record<string, string> }) => {
      let text = "";
      const output = (stream: string, bytes: Uint8Array) => {
        text += `${stream}: ${Buffer.from(bytes)}`;
      };
      const end = await new Promise<LaunchEnd>((ended) => {
        zygote.start({ ...run, ...bounds, ...request }, { started() {}, output, ended });
      });
      return { end, text };
    };
    const env = { FX_CHANNEL: join(directory, "nobody"), FX_NONCE: "n" };
    expect(await told({ cwd: join(directory, "missing"), env })).toMatchObject({
      end: { kind: "exited", code: 126 },
      text: expect.stringMatching(/^stderr: the script was not started: .*missing/),
    });
    const withoutVariables = { cwd: directory, env: undefined as unknown as Record<string, string> };
    expect(await told(withoutVariables)).toMatchObject({
      end: { kind: "exited", code: 126 },
      text: "stderr: the script was not started: 'env'\n",
    });
    expect(complaints).toEqual([]);
  } finally {
    await zygote.close();
    await launcher.close();
  }
});

it("D8: a run that is stopped as soon as it was forked ends, though it has no group of its own by then", async () => {
  const directory = tempDir();
  const { command: python } = await findPython({ searchPath: process.env.PATH, othersMustReach: false });
  const around = { clock: systemClock, log: silentLog };
  const launcher = new LauncherClient(around);
  const socketDirectory = join(directory, "z");
  mkdirSync(socketDirectory, { mode: 0o700 });
  const sdk = join(sdkDirectory, "python");
  const zygote = new Zygote({ ...around, groups: undefined, preload: [], launcher, python, sdk, socketDirectory });
  try {
    await eventually(() => zygote.isReady);
    const run = { user: undefined, limits: noLimits, setAsideBytes: 0, landlock: undefined };
    const request = { ...run, cwd: "/", env: {}, exec: ["/bin/sleep", "600"], ttlMs: 20_000, outputCapBytes: 1000 };
    for (let count = 0; count < 20; count += 1) {
      const end = await new Promise<LaunchEnd>((ended) => {
        zygote.start(request, { started() {}, output() {}, ended }).stop(0);
      });
      expect(end).toMatchObject({ kind: "signalled", signal: "SIGKILL" });
    }
  } finally {
    await zygote.close();
    await launcher.close();
  }
});

async function replaced(
  directory: string,
  maxGrowthBytes: number | undefined,
  happens: (python: string) => void,
): Promise<void> {
  const python = join(directory, "python3");
  const { command } = await findPython({ searchPath: process.env.PATH, othersMustReach: false });
  // Its library lies where its own program is: a copy of that would not find it.
  writeFileSync(python, `#!/bin/sh\nexec "${command}" "$@"\n`, { mode: 0o755 });
  const socketDirectory = join(directory, "z");
  mkdirSync(socketDirectory, { mode: 0o700 });
  const around = { clock: systemClock, log: silentLog };
  const launcher = new LauncherClient(around);
  const growth = maxGrowthBytes === undefined ? {} : { maxGrowthBytes };
  const zygote = new Zygote({
    groups: undefined,
    ...around,
    ...growth,
    preload: [],
    launcher,
    python,
    sdk: join(sdkDirectory, "python"),
    socketDirectory,
  });
  try {
    await eventually(() => zygote.isReady);
    const before = zygote.pid;
    // It fails, since nobody listens where it dials: that it starts and ends is enough here.
    const start = () =>
      new Promise<LaunchEnd>((ended) => {
        const env = { FX_CHANNEL: join(directory, "nobody"), FX_NONCE: "n" };
        const run = { cwd: directory, env, user: undefined, limits: noLimits, setAsideBytes: 0, landlock: undefined };
        zygote.start({ ...run, ttlMs: 10_000, outputCapBytes: 1000 }, { started() {}, output() {}, ended });
      });
    expect(await start()).toMatchObject({ kind: "exited", code: 1 });
    happens(python);
    await eventually(async () => {
      expect(await start()).toMatchObject({ kind: "exited", code: 1 });
      return zygote.pid !== before;
    });
    await eventually(async () => !(await isAlive(before as number)));
  } finally {
    await zygote.close();
    await launcher.close();
  }
}

function contextOf(version: string): StepRequest["context"] {
  const id = "0198c0de-0000-7000-8000-000000000002" as ExecutionId;
  return {
    event: { specversion: "1.0", id: "e1", source: "/test", type: "test.happened" },
    params: {},
    service: { project: "shop", name: "orders", version },
    execution: { id, attempt: 1, step: 1, script: "main.py", replay: false, original: null },
    config: {},
    previous: null,
  };
}

/** Whether any memory that a process may write to contains the text. */
async function memoryHolds(pid: number, text: string): Promise<boolean> {
  const memory = await open(`/proc/${pid}/mem`, "r");
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      if (from === undefined || to === undefined) continue;
      const size = Number(BigInt(`0x${to}`) - BigInt(`0x${from}`));
      const bytes = Buffer.alloc(size);
      await memory.read(bytes, 0, size, Number(BigInt(`0x${from}`))).catch(() => {});
      if (bytes.includes(text)) return true;
    }
    return false;
  } finally {
    await memory.close();
  }
}
