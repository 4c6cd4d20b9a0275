import type { JavaScriptRuntime } from "../../../src/services/manifest.ts";

/** The same small programs in each language; what they do is told by their names and the tests. */
export interface Programs {
  /** Ending of the script files, with the dot. */
  extension: string;
  /** Other files of the service, e.g. a package.json. */
  files: Record<string, string>;
  /** It writes to stdout and stderr by itself, so that the order between the two is not kept. */
  unordered?: true;
  /** What its scripts find in their environment beside what all do. */
  variables?: string[];
  /** As a manifest says it. */
  runtime?: JavaScriptRuntime;
  source(name: ProgramName): string;
}

export const programNames = [
  "parameters",
  "alternate",
  "waitForFile",
  "fail",
  "sleepWithChild",
  "flood",
  "bytes",
  "closeOutput",
  "leaveDaemon",
  "big",
  "killParent",
  "emit",
  "emitCaught",
  "environment",
  "readFiles",
  "dialAgain",
  "state",
  "tooBig",
  "writeFiles",
] as const;
export type ProgramName = (typeof programNames)[number];

const pythonBodies: Record<ProgramName, string> = {
  parameters: `print(sys.argv[1]); print(get_param("city")); sys.exit(7)`,
  alternate: `
for n in range(40):
    print("out", n)
    print("err", n, file=sys.stderr)`,
  waitForFile: `
print("first")
while not os.path.exists("go"): time.sleep(0.01)
print("second")`,
  fail: `
def inner():
    raise ValueError("no such luck")
inner()`,
  sleepWithChild: `
child = subprocess.Popen(["sleep", "1000"])
print("child", child.pid)
print("self", os.getpid())
while True: time.sleep(1)`,
  flood: `
block = "x" * 1023 + "\\n"
for _ in range(getattr(context, "params")["kib"]): sys.stdout.write(block)
sys.stdout.flush()
context.events.send("flood.over")`,
  bytes: `sys.stdout.buffer.write(b"\\xff\\xfe\\x00ok\\x80")`,
  closeOutput: `
os.close(1); os.close(2)
context.events.send("still.here", 1)
os._exit(3)`,
  leaveDaemon: `
child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
print("child", child.pid)`,
  big: `print(len(sys.argv[1]) > 1048576, len(get_param("text"))); context.events.send("big", {"text": get_param("text")})`,
  killParent: `
try:
    os.kill(os.getppid(), 9)
    print("killed")
except PermissionError:
    print("refused")`,
  emit: `print("id", context.events.send("order.placed", {"n": 1}, subject="s"))`,
  emitCaught: `
from fx_ef import FxError
try:
    context.events.send(get_param("type"))
except FxError as error:
    print("caught", error.code, error)`,
  environment: `print(json.dumps(dict(os.environ)))`,
  readFiles: `
for path in get_param("paths"):
    try:
        open(path, "rb").read()
        print("read", path)
    except OSError:
        print("denied", path)`,
  dialAgain: `
import socket
given = dict(entry.split("=", 1) for entry in open("/proc/self/environ").read().split("\\0") if "=" in entry)
def dial(nonce):
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.path.join(os.path.dirname(os.environ["FX_SCRATCH"]), "c", "s"))
    hello = json.dumps({"nonce": nonce}).encode()
    s.sendall(len(hello).to_bytes(4, "big") + hello)
    try:
        return len(s.recv(10))
    except ConnectionError:
        return 0
# A forked process was told its nonce in another way, which left no trace that a script can name.
print("answers", dial(given.get("FX_NONCE", "gone")), dial("guess"))`,
  state: `
print("before", context.state.get("n"))
context.state.put("n", {"deep": [1, None]})
print("after", json.dumps(context.state.get()["n"], separators=(",", ":")))`,
  tooBig: `
from fx_ef import FxError
try:
    context.events.send("big", "x" * (5 << 20))
except FxError as error:
    print("caught", error.code)`,
  writeFiles: `
for path in [os.path.join(os.environ["FX_SCRATCH"], "mine"), "theirs"]:
    try:
        open(path, "w").write("x")
        print("wrote")
    except OSError:
        print("denied")`,
};

export const python: Programs = {
  extension: ".py",
  files: {},
  source: (name) =>
    `import json, os, subprocess, sys, time\nfrom fx_ef import context, get_param\n${pythonBodies[name]}\n`,
};

const scriptBodies: Record<ProgramName, string> = {
  parameters: `console.log(process.argv[2]); console.log(getParam("city")); process.exitCode = 7;`,
  alternate: `for (let n = 0; n < 40; n++) { console.log("out", n); console.error("err", n); }`,
  waitForFile: `
console.log("first");
while (!fs.existsSync("go")) await new Promise((resolve) => setTimeout(resolve, 10));
console.log("second");`,
  fail: `throw new TypeError("no such luck");`,
  sleepWithChild: `
const child = cp.spawn("sleep", ["1000"], { stdio: "inherit" });
console.log("child", child.pid);
console.log("self", process.pid);
setInterval(() => {}, 1000);`,
  flood: `
const block = "x".repeat(1023) + "\\n";
for (let n = 0; n < context.params.get("kib"); n++) process.stdout.write(block);
await context.events.send("flood.over");`,
  bytes: `process.stdout.write(Buffer.from([0xff, 0xfe, 0x00, 0x6f, 0x6b, 0x80]));`,
  closeOutput: `
fs.closeSync(1); fs.closeSync(2);
await context.events.send("still.here", 1);
process.exit(3);`,
  leaveDaemon: `
const child = cp.spawn("sleep", ["1000"], { detached: true, stdio: "inherit" });
console.log("child", child.pid);
child.unref();`,
  big: `
console.log(process.argv[2].length > 1048576 ? "True" : "False", getParam("text").length);
await context.events.send("big", { text: getParam("text") });`,
  killParent: `
try { process.kill(process.ppid, "SIGKILL"); console.log("killed"); } catch { console.log("refused"); }`,
  emit: `console.log("id", await context.events.send("order.placed", { n: 1 }, { subject: "s" }));`,
  emitCaught: `
try { await context.events.send(getParam("type")); }
catch (error) { console.log("caught", error.code, error.message); }`,
  environment: `console.log(JSON.stringify(process.env));`,
  readFiles: `
for (const path of getParam("paths")) {
  try { fs.readFileSync(path); console.log("read", path); } catch { console.log("denied", path); }
}`,
  dialAgain: `
const given = Object.fromEntries(fs.readFileSync("/proc/self/environ", "utf8").split("\\0").map((entry) => entry.split(/=(.*)/s)));
const dial = (nonce) => new Promise((resolve) => {
  const socket = net.connect(given.FX_CHANNEL);
  const hello = Buffer.from(JSON.stringify({ nonce }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(hello.length);
  socket.write(Buffer.concat([length, hello]));
  socket.on("data", (bytes) => resolve(bytes.length));
  socket.on("error", () => resolve(0));
  socket.on("close", () => resolve(0));
});
console.log("answers", await dial(given.FX_NONCE), await dial("guess"));`,
  state: `
console.log("before", (await context.state.get("n")) === undefined ? "None" : "something");
await context.state.put("n", { deep: [1, null] });
console.log("after", JSON.stringify((await context.state.get()).n));`,
  tooBig: `
try { await context.events.send("big", "x".repeat(5 << 20)); } catch (error) { console.log("caught", error.code); }`,
  writeFiles: `
for (const path of [process.env.FX_SCRATCH + "/mine", "theirs"]) {
  try { fs.writeFileSync(path, "x"); console.log("wrote"); } catch { console.log("denied"); }
}`,
};

export const typescript: Programs = {
  extension: ".ts",
  runtime: "node",
  files: {},
  source: (name) => `
import { context, getParam } from "@streamzero/fx";
import type { Context } from "@streamzero/fx";
import * as cp from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
const typed: Context = context satisfies Context;
async function main(): Promise<void> {
${scriptBodies[name]}
}
if (typed !== undefined) await main();
`,
};

export const commonJs: Programs = {
  extension: ".js",
  runtime: "node",
  files: { "package.json": '{"type": "commonjs"}' },
  source: (name) => `
const { context, getParam } = require("@streamzero/fx");
const cp = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");
async function main() {
${scriptBodies[name]}
}
main();
`,
};

const onBun = { runtime: "bun", variables: ["BUN_RUNTIME_TRANSPILER_CACHE_PATH", "DO_NOT_TRACK"] } as const;
export const typescriptOnBun: Programs = { ...typescript, ...onBun, variables: [...onBun.variables] };
export const commonJsOnBun: Programs = { ...commonJs, ...onBun, variables: [...onBun.variables] };

const shellBodies: Record<ProgramName, string> = {
  parameters: `cat; echo "$FX_PARAM_CITY"; exit 7`,
  alternate: `n=0; while [ $n -lt 40 ]; do echo "out $n"; echo "err $n" >&2; n=$((n + 1)); done`,
  waitForFile: `echo first; until [ -e go ]; do sleep 0.01; done; echo second`,
  fail: `echo "$0: no such luck" >&2; exit 1`,
  sleepWithChild: `sleep 1000 & echo "child $!"; echo "self $$"; while :; do sleep 1; done`,
  flood: `dd if=/dev/zero bs=1024 count=$FX_PARAM_KIB 2>/dev/null | tr '\\0' x; fx-context send flood.over >/dev/null`,
  bytes: `printf '\\377\\376\\000ok\\200'`,
  closeOutput: `exec 1>&- 2>&-; fx-context send still.here 1 >/dev/null 2>&1; exit 3`,
  leaveDaemon: `setsid sleep 1000 & echo "child $!"`,
  big: `
[ "$(wc -c)" -gt 1048576 ] && printf 'True '
python3 -c 'import sys; print(len(sys.argv[1]))' x >/dev/null
fx-context param text | python3 -X utf8 -c 'import sys; print(len(sys.stdin.read().strip()))'
fx-context param text | python3 -X utf8 -c 'import json, sys; print(json.dumps({"text": sys.stdin.read().strip()}))' | fx-context send big - >/dev/null`,
  killParent: `if kill -9 $PPID 2>/dev/null; then echo killed; else echo refused; fi`,
  emit: `id=$(fx-context send order.placed '{"n":1}' --subject s) || exit 1; echo "id $id"`,
  emitCaught: `
if ! said=$(fx-context send "$FX_PARAM_TYPE" 2>&1); then echo "caught $(echo "$said" | sed 's/fx-context: //; s/: / /')"; fi`,
  environment: `python3 -c 'import json, os; print(json.dumps(dict(os.environ)))'`,
  readFiles: `
for path in $(fx-context param paths | tr -d '[]"' | tr , ' '); do
  if cat "$path" >/dev/null 2>&1; then echo "read $path"; else echo "denied $path"; fi
done`,
  dialAgain: `
tr '\\0' '\\n' </proc/self/environ | grep -c FX_NONCE >&2
python3 - <<'END'
import json, os, socket
def dial(nonce):
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.path.join(os.path.dirname(os.environ["FX_SCRATCH"]), "c", "s"))
    hello = json.dumps({"nonce": nonce}).encode()
    s.sendall(len(hello).to_bytes(4, "big") + hello)
    try:
        return len(s.recv(10))
    except ConnectionError:
        return 0
print("answers", dial(""), dial("guess"))
END`,
  state: `
fx-context state get n 2>/dev/null || echo "before None"
fx-context state put n --json '{"deep":[1,null]}'
echo "after $(fx-context state get n)"`,
  tooBig: `
said=$(python3 -c 'print("\\"" + "x" * (5 << 20) + "\\"")' | fx-context send big - 2>&1) || echo "caught $(echo "$said" | cut -d: -f2 | tr -d ' ')"`,
  writeFiles: `
for path in "$FX_SCRATCH/mine" theirs; do
  if (echo x >"$path") 2>/dev/null; then echo wrote; else echo denied; fi
done`,
};

const shellVariables =
  "FX_ATTEMPT FX_CORRELATION_ID FX_EVENT_ID FX_EVENT_TYPE FX_PROJECT FX_PYTHON FX_REPLAY FX_SERVICE FX_STEP".split(" ");

export const shell: Programs = {
  extension: ".sh",
  files: {},
  unordered: true,
  variables: shellVariables,
  source: (name) => `${shellBodies[name]}\n`,
};
