/** Runs scripts as a user that is not root and prints what they could do, as JSON. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { processChanges } from "./process-changes.ts";
import { type ProgramName, python, typescript, typescriptOnBun } from "./programs.ts";
import { openRunner, runScript } from "./script-runs.ts";
import { warmService } from "./warm-service.ts";

const data = process.argv[2] as string;
const runner = await openRunner(data);
const token = join(data, "token");
writeFileSync(token, "secret", { mode: 0o600 });
// As in the directory of a person's project: interpreters look for it on their way up, and may not read it.
writeFileSync(join(data, "package.json"), '{"type": "commonjs"}');

async function printed(name: ProgramName, language = python, params = {}): Promise<string> {
  const script = `${name}${language.extension}`;
  const run = runScript(runner, { ...language.files, [script]: language.source(name) }, script, {
    params,
    request: { runtime: language.runtime },
  });
  const result = await run.result;
  if (result.kind !== "exited" || result.exitCode !== 0) throw new Error(JSON.stringify([result, run.both()]));
  return run.stdout();
}

const other = runScript(runner, { "a.py": python.source("sleepWithChild") }, "a.py", { request: { slot: 1 } });
const self = await other.waitFor(/self (\d+)/);
const paths = [token, `/proc/${self}/environ`, `/proc/${process.pid}/environ`];
const read =
  (await printed("readFiles", python, { paths })) +
  (await printed("readFiles", typescript, { paths })) +
  (await printed("readFiles", typescriptOnBun, { paths }));
const write = await printed("writeFiles");
const parent = await printed("killParent");
const daemon = /child (\d+)/.exec(await printed("leaveDaemon"))?.[1];
const shellRun = runScript(
  runner,
  { "a.sh": `cat "$(fx-context param token)" 2>/dev/null || echo denied; fx-context event type` },
  "a.sh",
  { params: { token } },
);
await shellRun.result;
const sql = runScript(
  runner,
  { "a.sql": "create table t (n); insert into t values ({{ params.n }}); select n from t" },
  "a.sql",
  {
    params: { n: 1 },
  },
);
await sql.result;
const replayed = runScript(runner, { "a.sql": "insert into t values (2); select count(*) as n from t" }, "a.sql", {
  replayOf: "x-1",
});
await replayed.result;
await runner.forgetReplay(0);
const counted = runScript(runner, { "a.sql": "select count(*) as live from t" }, "a.sql");
await counted.result;
const database = join(data, "sql", "shop", "main.db");
const intruder = await printed("readFiles", python, { paths: [database] });
const boxed = runScript(
  runner,
  {
    "main.py": `import os, socket
def tried(what):
    try: return what() and "done"
    except OSError as error: return type(error).__name__
print(tried(lambda: socket.create_connection(("127.0.0.1", 9), 5)), tried(lambda: os.listdir("/tmp")))
print([int(name) == os.getpid() for name in os.listdir("/proc") if name.isdigit()], tried(lambda: open("/proc/self/status")))
print(tried(lambda: os.kill(os.getppid(), 0)), tried(lambda: os.kill(${process.pid}, 0)), tried(lambda: open("/proc/1/environ")))`,
  },
  "main.py",
  { request: { isolation: { level: "sandbox", network: false } } },
);
await boxed.result;
async function changed(pid: number, level: "process" | "sandbox"): Promise<string> {
  const isolation = level === "sandbox" ? { isolation: { level, network: false } as const } : {};
  const run = runScript(runner, { "main.py": processChanges(pid) }, "main.py", { request: isolation });
  await run.result;
  return run.both();
}
const changes = {
  platform: [await changed(process.pid, "process"), await changed(process.pid, "sandbox")],
  own: [await changed(0, "process"), await changed(0, "sandbox")],
};
const lowered: string[] = [];
const setPriority = `import { getPriority, setPriority } from "node:os";
setPriority(7);
let refused = "";
try { setPriority(${process.pid}, 19); } catch (error) { refused = error.info.code; }
console.log(getPriority(), refused);`;
for (const runtime of ["node", "bun"] as const) {
  const run = runScript(runner, { "main.ts": setPriority }, "main.ts", { request: { runtime } });
  await run.result;
  lowered.push(run.both());
}
const limitsItself = "ulimit -n 100; ulimit -n; nice -n 7 nice";
const shellOfItself = runScript(runner, { "main.sh": limitsItself }, "main.sh");
await shellOfItself.result;
lowered.push(shellOfItself.both());
const warm = warmService(runner, {
  "main.py": `import os
from fx_ef import get_param
print(os.listdir(os.environ["FX_SCRATCH"]))
open(os.path.join(os.environ["FX_SCRATCH"], "left"), "w").close()
try: open(get_param("token"))
except OSError as error: print(type(error).__name__, flush=True)
os.system("echo by the pipes")`,
});
const warmRuns = [warm.run({ params: { token } })];
await warmRuns[0]?.result;
warmRuns.push(warm.run({ params: { token } }));
await warmRuns[1]?.result;
other.step.stop("cancelled", 0);
await other.result;
await runner.close();
console.log(
  JSON.stringify({
    isolation: runner.isolation.kind,
    read,
    write,
    parent,
    daemon,
    shell: shellRun.stdout(),
    sql: sql.both() + replayed.both() + counted.both(),
    intruder,
    boxed: boxed.both(),
    changes,
    lowered,
    warm: warmRuns.map((run) => run.both()),
  }),
);
