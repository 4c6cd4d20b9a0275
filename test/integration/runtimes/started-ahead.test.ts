import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { noLimits } from "../../../src/services/run-limits.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDir, tempDirForFile } from "../../support/temp-dir.ts";
import {
  isAlive,
  openRunner,
  processesIn,
  runScript,
  runScriptAhead,
  type ScriptOptions,
  type ScriptRun,
} from "./script-runs.ts";

const data = tempDirForFile();
let runner: ProcessStepRunner;
beforeAll(async () => {
  runner = await openRunner(data);
});
afterAll(() => runner.close());

const pidAndId = "import os\nprint(os.getpid(), os.environ['FX_EXECUTION_ID'])";

async function completed(run: ScriptRun): Promise<string> {
  expect(await run.result, run.both()).toMatchObject({ kind: "exited", exitCode: 0 });
  return run.stdout().trim();
}

async function own(aheadProcesses: number): Promise<ProcessStepRunner> {
  const opened = await openRunner(tempDir(), "auto", "auto", aheadProcesses);
  onTestFinished(() => opened.close());
  return opened;
}

test("after a run of a script the next one's process is there before its event, takes that one run, and another follows it", async () => {
  const files = { "main.py": pidAndId };
  const first = runScript(runner, files, "main.py");
  const { directory } = first;
  const pids = [(await completed(first)).split(" ")[0]];
  for (let n = 0; n < 3; n += 1) {
    const waiting = await eventually(() => processesIn(directory)[0]);
    const [pid, id] = (await completed(runScript(runner, files, "main.py", {}, directory))).split(" ");
    expect(pid).toBe(String(waiting));
    expect(id).toBe("0198c0de-0000-7000-8000-000000000001");
    pids.push(pid);
  }
  expect(new Set(pids).size).toBe(4);
});

test("a process that ends while it waits is no run's: the next one is started when it is needed", async () => {
  const files = { "main.py": pidAndId };
  const run = await runScriptAhead(runner, files, "main.py");
  const { directory } = run;
  await completed(run);
  const waiting = await eventually(() => processesIn(directory)[0]);
  process.kill(waiting, "SIGKILL");
  await eventually(() => processesIn(directory).length === 0);
  expect(await completed(runScript(runner, files, "main.py", {}, directory))).not.toMatch(new RegExp(`^${waiting} `));
});

test("S2: it is given to runs of the same script, version, service, limits and level alone", async () => {
  const files = { "main.py": pidAndId, "other.py": pidAndId };
  const others: [string, ScriptOptions][] = [
    ["other.py", {}],
    ["main.py", { service: "stock" }],
    ["main.py", { request: { limits: { ...noLimits, openFiles: 100 } } }],
    ["main.py", { request: { isolation: { level: "sandbox", network: false } } }],
    ["main.py", { request: { preload: ["colorsys"] } }],
  ];
  for (const [script, options] of others) {
    const run = await runScriptAhead(runner, files, "main.py");
    const { directory } = run;
    await completed(run);
    const waiting = await eventually(() => processesIn(directory)[0]);
    const [pid] = (await completed(runScript(runner, files, script, options, directory))).split(" ");
    expect(pid).not.toBe(String(waiting));
    expect(await isAlive(waiting)).toBe(true);
  }
});

test("S2: two that wait have two users, and none finds what a run before has left", async () => {
  const source = `import os
print(os.getuid(), *os.listdir(os.environ["FX_SCRATCH"]))
open(os.path.join(os.environ["FX_SCRATCH"], "left"), "w").write("x")`;
  const files = { "main.py": source };
  const ran = await Promise.all([1, 2, 3].map(() => runScriptAhead(runner, files, "main.py").then(completed)));
  expect(ran.join(" ")).not.toContain("left");
  const first = await runScriptAhead(runner, files, "main.py");
  const second = await runScriptAhead(runner, files, "main.py");
  const users = [await completed(first), await completed(second)];
  if (process.getuid?.() === 0) expect(new Set(users).size).toBe(2);
});

test("what was wanted while all slots were taken is started once one is free", async () => {
  // One for each of the scripts below: those that are wanted last are kept, and no more than have a place.
  const only = await own(5);
  const ended = runScript(only, { "main.py": pidAndId }, "main.py");
  await completed(ended);
  const [first] = await eventually(() => nonEmpty(processesIn(ended.directory)));
  const waits = "import os, time\nprint('begun', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.01)";
  const busy = [0, 1, 2].map((slot) => runScript(only, { "main.py": waits }, "main.py", { request: { slot } }));
  for (const run of busy) await run.waitFor(/^(begun)/);
  const last = runScript(only, { "main.py": waits }, "main.py", { request: { slot: 3 } });
  await last.waitFor(/^(begun)/);
  const other = runScript(only, { "main.py": pidAndId }, "main.py", { request: { slot: 4 } }, ended.directory);
  expect(await completed(other)).toContain(String(first));
  for (const { directory } of [...busy, last]) writeFileSync(join(directory, "go"), "");
  for (const run of [...busy, last]) await completed(run);
  await eventually(() => nonEmpty(processesIn(ended.directory)));
});

function nonEmpty<Item>(items: Item[]): Item[] | undefined {
  return items.length > 0 ? items : undefined;
}

test.each(["the version's", "its own"])(
  "where %s directory was tidied away, its process is not taken",
  async (whose) => {
    const files = {
      "main.py": "import os\nprint(os.listdir('.'), os.listdir(os.environ['FX_SCRATCH']), os.environ['FX_SCRATCH'])",
    };
    const run = await runScriptAhead(runner, files, "main.py");
    const { directory } = run;
    const scratch = (await completed(run)).split(" ").at(-1) as string;
    const waiting = await eventually(() => processesIn(directory)[0] as number);
    if (whose === "its own") {
      rmSync(scratch, { recursive: true });
    } else {
      renameSync(directory, `${directory}.gone`);
      cpSync(`${directory}.gone`, directory, { recursive: true });
    }
    expect(await completed(runScript(runner, files, "main.py", {}, directory))).toContain("['main.py'] []");
    await eventually(async () => !(await isAlive(waiting)));
  },
);

test("with no place for them none is started ahead, and none is left when the runner closes", async () => {
  const none = await own(0);
  const run = runScript(none, { "main.py": pidAndId }, "main.py");
  await completed(run);
  const some = await openRunner(tempDir());
  const kept = runScript(some, { "main.py": pidAndId }, "main.py");
  await completed(kept);
  const waiting = await eventually(() => processesIn(kept.directory)[0] as number);
  await some.close();
  expect(await isAlive(waiting)).toBe(false);
  expect(processesIn(run.directory)).toEqual([]);
});

test("D8: none is left when its executor is killed", async () => {
  const entry = fileURLToPath(new URL("./executor-process.ts", import.meta.url));
  const executor = spawn(process.execPath, [entry, tempDir(), "ahead"], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = await once(executor.stdout, "data");
  const directory = String(line).trim();
  await eventually(() => nonEmpty(processesIn(directory)));
  executor.kill("SIGKILL");
  await eventually(() => processesIn(directory).length === 0);
});

test("a run in a sandbox has its process started ahead as well, closed from its start", async () => {
  const source = `import os, socket
print(len([name for name in os.listdir("/proc") if name.isdigit()]))
try: socket.create_connection(("127.0.0.1", 1), 1)
except OSError as error: print(type(error).__name__)`;
  const request = { isolation: { level: "sandbox", network: false } } as const;
  const cold = await completed(runScript(runner, { "main.py": source }, "main.py", { request }));
  expect(await completed(await runScriptAhead(runner, { "main.py": source }, "main.py", { request }))).toBe(cold);
});

const packages = {
  "node_modules/heavy/package.json": JSON.stringify({
    name: "heavy",
    exports: { import: "./heavy.mjs", require: "./heavy.cjs" },
  }),
  "node_modules/heavy/heavy.mjs": "globalThis.loaded = 'imported'; export default 1;",
  "node_modules/heavy/heavy.cjs": "globalThis.loaded = 'required'; module.exports = 1;",
};
const looks = {
  python: {
    script: "main.py",
    source: "import sys\nprint('colorsys' in sys.modules)",
    name: "colorsys",
    there: "True",
    not: "False",
  },
  node: {
    script: "main.mjs",
    source: "console.log(globalThis.loaded)",
    name: "heavy",
    there: "imported",
    not: "undefined",
  },
  bun: {
    script: "main.ts",
    source: "console.log(globalThis.loaded)",
    name: "heavy",
    there: "imported",
    not: "undefined",
  },
};

test.each(["python", "node", "bun"] as const)(
  "what the manifest preloads is imported before the run, started ahead or not, on %s",
  async (language) => {
    const { script, source, name, there, not } = looks[language];
    const runtime = language === "python" ? undefined : language;
    const run = (preload: string[], start: typeof runScript | typeof runScriptAhead) =>
      start(runner, { [script]: source, ...packages }, script, { request: { preload, runtime } });
    for (const start of [runScript, runScriptAhead]) {
      expect(await completed(await run([name], start))).toBe(there);
      expect(await completed(await run([], start))).toBe(not);
      const missing = await run(["no-such-package", name], start);
      expect(await completed(missing)).toBe(there);
      expect(missing.stderr()).toMatch(/^preload \(manifest\.json\): no-such-package: \S+.*\n/);
    }
  },
);

test.each(["node", "bun"] as const)(
  "S2: what a script starts inherits nothing of its channel, on %s",
  async (runtime) => {
    const source = `import { execFileSync } from "node:child_process";
const list = 'for fd in /proc/self/fd/*; do readlink $fd; done 2>/dev/null | grep -c socket';
console.log(execFileSync("sh", ["-c", list + " || true"]).toString().trim(), Object.keys(process.env).filter((name) => /FX_(WAIT|NONCE|CHANNEL|PRELOAD)/.test(name)));`;
    const request = { runtime };
    const cold = await completed(runScript(runner, { "main.ts": source }, "main.ts", { request }));
    expect(await completed(await runScriptAhead(runner, { "main.ts": source }, "main.ts", { request }))).toBe(cold);
  },
);

const busyImport = "import time\nuntil = time.process_time() + 0.6\nwhile time.process_time() < until: pass\n";

test("a package that takes long to import is waited for, and there for the run", async () => {
  const files = { "main.py": "import sys\nprint('slow' in sys.modules)", "slow.py": busyImport };
  const request = { preload: ["slow"] };
  expect(await completed(await runScriptAhead(runner, files, "main.py", { request }))).toBe("True");
});

test.each(["node", "bun"] as const)(
  "a run that takes a process before it is ready has what that imports, on %s",
  async (runtime) => {
    const only = await own(1);
    const slow = "const until = Date.now() + 400; while (Date.now() < until);";
    const files = { "main.mjs": "console.log('run')", "node_modules/slow/index.js": slow };
    const request = { preload: ["slow"], runtime };
    const first = runScript(only, files, "main.mjs", { request });
    await completed(first);
    await eventually(() => nonEmpty(processesIn(first.directory)));
    expect(await completed(runScript(only, files, "main.mjs", { request }, first.directory))).toBe("run");
  },
);

test("a module of the service that is preloaded may ask for the run's context in the script, and not before", async () => {
  const helper = "from fx_ef import context\n";
  const files = { "main.py": "import helper\nprint(helper.context.service.name)", "helper.py": helper };
  for (const start of [runScript, runScriptAhead]) {
    const run = await start(runner, files, "main.py", { request: { preload: ["helper"] } });
    expect(await completed(run)).toBe("orders");
    expect(run.stderr()).toContain("there is no run");
  }
});

const asksSdk = {
  "node_modules/asks/index.js":
    "const { context } = require('@streamzero/fx'); exports.name = () => context.service.name;",
};

test.each(["node", "bun"] as const)("a package that imports the SDK may be preloaded, on %s", async (runtime) => {
  const source =
    "const { name } = require('asks');\nconst { context } = require('@streamzero/fx');\nconsole.log(name(), context.service.name);";
  for (const start of [runScript, runScriptAhead]) {
    const run = await start(runner, { "main.cjs": source, ...asksSdk }, "main.cjs", {
      request: { preload: ["asks"], runtime },
    });
    expect(await completed(run)).toBe("orders orders");
    expect(run.stderr()).toBe("");
  }
});

test.each(["node", "bun"] as const)(
  "a script that requires what is preloaded gets what require gets, on %s",
  async (runtime) => {
    const source = "require('heavy'); console.log(globalThis.loaded);";
    for (const start of [runScript, runScriptAhead]) {
      const run = await start(runner, { "main.cjs": source, ...packages }, "main.cjs", {
        request: { preload: ["heavy"], runtime },
      });
      expect(await completed(run)).toBe("required");
    }
    const either = { "main.js": "const h = require('heavy'); console.log(typeof h, globalThis.loaded);", ...packages };
    if (runtime === "node")
      expect(
        await completed(await runScriptAhead(runner, either, "main.js", { request: { preload: ["heavy"], runtime } })),
      ).toBe("number required");
  },
);

const tells = {
  python: {
    script: "main.py",
    source: "print('run')",
    "tells.py": "import subprocess\nprint(subprocess.run(['env'], capture_output=True, text=True).stdout)",
  },
  node: {
    script: "main.mjs",
    source: "console.log('run')",
    "node_modules/tells/index.js": "console.log(require('node:child_process').execFileSync('env').toString())",
  },
  bun: {
    script: "main.ts",
    source: "console.log('run')",
    "node_modules/tells/index.js": "console.log(require('node:child_process').execFileSync('env').toString())",
  },
};

test.each(["python", "node", "bun"] as const)(
  "S2: a program that a package starts while it is preloaded finds no address of the channel, on %s",
  async (language) => {
    const { script, source, ...files } = tells[language];
    const runtime = language === "python" ? undefined : language;
    for (const start of [runScript, runScriptAhead]) {
      const printed = await completed(
        await start(runner, { [script]: source, ...files }, script, { request: { preload: ["tells"], runtime } }),
      );
      expect(printed).toContain("FX_SCRATCH=");
      expect(printed).not.toMatch(/FX_(NONCE|CHANNEL|WAIT|PRELOAD)=/);
    }
  },
);

test("what a package lays into the scratch directory while it is preloaded is there for the run", async () => {
  const files = {
    "main.py": "import os, laid\nprint(os.path.isdir(laid.D))",
    "laid.py": "import tempfile\nD = tempfile.mkdtemp()",
  };
  expect(await completed(await runScriptAhead(runner, files, "main.py", { request: { preload: ["laid"] } }))).toBe(
    "True",
  );
});

test("a run whose process ends before it is told of it has another", async () => {
  const only = await own(1);
  // By its name one that has looked and sleeps is told from one that has not come so far.
  const sleeps = `import ctypes, os, time
if not os.path.exists("go"):
    ctypes.CDLL(None).prctl(15, b"sleeps")
    time.sleep(60)`;
  const files = { "main.py": pidAndId, "sleeps.py": sleeps };
  const request = { preload: ["sleeps"] };
  const first = runScript(only, files, "main.py", { request });
  writeFileSync(join(first.directory, "go"), "");
  await completed(first);
  rmSync(join(first.directory, "go"));
  const waiting = await eventually(() => processesIn(first.directory)[0] as number);
  await eventually(() => readFileSync(`/proc/${waiting}/comm`, "utf8") === "sleeps\n");
  const run = runScript(only, files, "main.py", { request }, first.directory);
  writeFileSync(join(first.directory, "go"), "");
  process.kill(waiting, "SIGKILL");
  expect(await completed(run)).not.toMatch(new RegExp(`^${waiting} `));
});

test("what a package prints when it is preloaded is output of the run", async () => {
  const module = { "node_modules/loud/index.js": "console.log('loud');" };
  const run = await runScriptAhead(runner, { "main.ts": "console.log('run')", ...module }, "main.ts", {
    request: { preload: ["loud"], runtime: "bun" },
  });
  expect(await completed(run)).toBe("loud\nrun");
});

test("one that computes while it waits is ended", async () => {
  const busy = "node_modules/busy/index.js";
  const source = { [busy]: "setInterval(() => { const until = Date.now() + 50; while (Date.now() < until); }, 51);" };
  const run = await runScriptAhead(runner, { "main.ts": "process.exit()", ...source }, "main.ts", {
    request: { preload: ["busy"], runtime: "bun" },
  });
  await completed(run);
  const waiting = await eventually(() => processesIn(run.directory)[0] as number);
  await eventually(async () => !(await isAlive(waiting)));
});
