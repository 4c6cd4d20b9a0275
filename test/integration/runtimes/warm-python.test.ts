import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { findPython } from "../../../src/executor/runtimes/find-python.ts";
import { noLimits } from "../../../src/services/run-limits.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { isAlive, openRunner, type ScriptRun } from "./script-runs.ts";
import { warmService } from "./warm-service.ts";

const { version } = await findPython({ searchPath: process.env.PATH, othersMustReach: process.getuid?.() === 0 });
const minor = Number(version.split(".")[1]);
/** What there is from a version on, 3.`from`. */
const since = <Row>(from: number, ...rows: Row[]): Row[] => (minor >= from ? rows : []);

describe("a warm script in Python", () => {
  const data = tempDirForFile();
  let runner: ProcessStepRunner;
  beforeAll(async () => {
    runner = await openRunner(data);
  });
  afterAll(() => runner.close());

  /** Runs a script so often, one run after the other, and answers what each printed. */
  async function prints(files: Record<string, string>, times = 2): Promise<string[]> {
    const service = warmService(runner, files);
    const printed: string[] = [];
    for (let n = 0; n < times; n += 1) printed.push(await both(service.run({ params: { n } })));
    return printed;
  }

  async function both(run: ScriptRun): Promise<string> {
    expect([await run.result, run.both()]).toMatchObject([{ kind: "exited" }, expect.any(String)]);
    return run.both();
  }

  it("runs in the process of the run before, and is `__main__` with globals of its own", async () => {
    const source = `import os
print("seen" in globals(), __name__, os.getpid())
seen = True`;
    const [first, second] = await prints({ "main.py": source });
    expect(first).toMatch(/^False __main__ \d+\n$/);
    expect(second).toBe(first);
  });

  it("keeps what its service's modules hold", async () => {
    const files = { "main.py": "import store\nstore.runs.append(1)\nprint(len(store.runs))", "store.py": "runs = []" };
    expect(await prints(files, 3)).toEqual(["1\n", "2\n", "3\n"]);
  });

  it("finds its surroundings as the first run did, whatever the run before has done to them", async () => {
    const source = `import builtins, decimal, json, os, signal, sys, warnings
mask = os.umask(0o77)
facts = {"LEFT" in os.environ, os.getcwd() == os.path.dirname(__file__), len(sys.argv), "/left" in sys.path, mask, hasattr(builtins, "left"),
    signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, sys.getrecursionlimit(), len(warnings.filters), decimal.getcontext().prec,
    sys.excepthook is sys.__excepthook__, os.listdir(os.environ["FX_SCRATCH"]) == []}
print(sorted(map(str, facts)))
os.environ["LEFT"] = "x"
del os.environ["LANG"]
os.chdir("/")
sys.argv.append("left")
sys.path.append("/left")
builtins.left = 1
signal.signal(signal.SIGTERM, lambda *_: None)
signal.alarm(100)
sys.setrecursionlimit(5000)
warnings.simplefilter("error")
decimal.getcontext().prec = 3
sys.excepthook = print
open(os.path.join(os.environ["FX_SCRATCH"], "left"), "w").write("x")
sys.stdin.close()
sys.stdout.flush()
sys.stdout.close()`;
    const [first, second, third] = await prints({ "main.py": source }, 3);
    expect(first).toContain("'28'");
    expect([second, third]).toEqual([first, first]);
  });

  it.each([
    ["the time zone", "time.localtime(0).tm_hour", "os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()"],
    [
      "the collector",
      "gc.isenabled(), gc.get_threshold(), gc.get_debug()",
      "gc.disable(); gc.set_threshold(9); gc.set_debug(1)",
    ],
    ["the switch interval", "sys.getswitchinterval()", "sys.setswitchinterval(1)"],
    ["the limit of digits", "sys.get_int_max_str_digits()", "sys.set_int_max_str_digits(999)"],
    [
      "blocked signals",
      "signal.pthread_sigmask(signal.SIG_BLOCK, [])",
      "signal.pthread_sigmask(signal.SIG_BLOCK, [10])",
    ],
    ["the locale", "locale.setlocale(locale.LC_ALL)", "locale.setlocale(locale.LC_ALL, 'C')"],
    ["the time limit of sockets", "socket.getdefaulttimeout()", "socket.setdefaulttimeout(3)"],
    ["the processors", "os.sched_getaffinity(0)", "os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])"],
    [
      "soft limits",
      "resource.getrlimit(resource.RLIMIT_NOFILE)",
      "resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(7)[1]))",
    ],
    ["the environment as a whole", "'PATH' in os.environ", "os.environ = {}"],
    ["hooks of threads", "threading.excepthook is threading.__excepthook__", "threading.excepthook = print"],
    ["hooks of imports", "len(sys.meta_path)", "class Finder: find_spec = print\nsys.meta_path.append(Finder)"],
    ["what shows warnings", "warnings.showwarning.__module__", "def show(*_): pass\nwarnings.showwarning = show"],
    ["the limit of tracebacks", "hasattr(sys, 'tracebacklimit')", "sys.tracebacklimit = 0"],
    [
      "the event loop",
      "getattr(getattr(asyncio.events._event_loop_policy, '_local', None), '_loop', None)",
      "asyncio.set_event_loop(asyncio.new_event_loop())",
    ],
    [
      "an event loop policy of the script's",
      "type(asyncio.events._event_loop_policy).__name__ == 'Own'",
      "class Own(asyncio.DefaultEventLoopPolicy): pass\nasyncio.set_event_loop_policy(Own())",
    ],
    ["a log that was silenced", "logging.getLogger('x').isEnabledFor(50)", "logging.disable()"],
    ["filters of logs", "logging.getLogger('x').filters", "logging.getLogger('x').addFilter(print)"],
    ["what makes log records", "logging.getLogRecordFactory().__name__", "logging.setLogRecordFactory(print)"],
    ["the look at faults", "faulthandler.is_enabled()", "faulthandler.enable(2)"],
    [
      "signals that show where it is",
      "[line for line in open('/proc/self/status') if line.startswith('SigCgt')]",
      "faulthandler.register(10, 2)",
    ],
    ["the tracing of memory", "tracemalloc.is_tracing()", "tracemalloc.start()"],
    ["warnings as logs", "warnings.showwarning.__module__", "logging.captureWarnings(True)"],
    ...since(12, [
      "what traces all threads",
      "sys.gettrace() is None",
      "threading.settrace_all_threads(lambda *_: None)",
    ]),
    // Until 3.13 it cannot be taken away: see below.
    ...since(14, [
      "a monitor of events",
      "sys.monitoring.get_tool(3)",
      "sys.monitoring.use_tool_id(3, 'left'); sys.monitoring.set_events(3, 1)",
    ]),
    ...since(
      15,
      ["lazy imports", "sys.get_lazy_imports()", "sys.set_lazy_imports('all')"],
      [
        "a filter of lazy imports",
        "sys.get_lazy_imports_filter() is None",
        "sys.set_lazy_imports_filter(lambda *_: True)",
      ],
    ),
  ])("finds %s as the first run did", async (_, tells, changes) => {
    const imports =
      "import asyncio, faulthandler, gc, locale, logging, os, resource, signal, socket, sys, threading, time, tracemalloc, warnings";
    const source = `${imports}\nprint(os.getpid(), ${tells})\n${changes}\nprint(${tells})`;
    const [first, second, third] = await prints({ "main.py": source }, 3);
    const [before, after] = (first as string).trim().split("\n");
    // It was changed indeed.
    expect(before?.slice(before.indexOf(" ") + 1)).not.toBe(after);
    expect([second, third]).toEqual([first, first]);
  });

  it("finds another sequence of random numbers than a run that has seeded them", async () => {
    const source = `import os, random
print(os.getpid(), random.random())
random.seed(1)`;
    const printed = await prints({ "main.py": source }, 4);
    expect(new Set(printed.map((line) => line.split(" ")[0])).size).toBe(1);
    expect(new Set(printed).size).toBe(4);
  });

  it.each([
    ["a lowered limit", "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))"],
    ["another priority", "os.nice(1)"],
    ["an audit hook", "sys.addaudithook(lambda *_: None)"],
    ["a function called at forks", "os.register_at_fork(before=print)"],
    ["another file as descriptor 0, 1 or 2", "os.close(0)"],
    ...(minor === 12 || minor === 13 ? [["a monitor of events", "sys.monitoring.use_tool_id(3, 'left')"]] : []),
    ["all the open files that it may have", "while True:\n    try: os.dup(0)\n    except OSError: break"],
  ])("is replaced after a run that has left %s", async (words, changes) => {
    const service = warmService(runner, { "main.py": `import os, resource, sys\nprint(os.getpid())\n${changes}` });
    const limits = { ...noLimits, openFiles: 128 };
    const first = service.run({ request: { limits } });
    const pid = await both(first);
    expect(await both(service.run({ request: { limits } }))).not.toBe(pid);
    expect(first.logged.map(({ message }) => message).join()).toContain(words);
  });

  it("acts for the run that is under way, also by a context that a module keeps", async () => {
    const files = {
      "main.py": `import helper, sys, json
from fx_ef import get_param
helper.act()
print(get_param("n"), json.loads(sys.argv[1])["n"], helper.context.execution.step)`,
      "helper.py": `from fx_ef import context
def act():
    context.events.send("a.b", {"n": context.params["n"]})
    context.state.put("n", context.params["n"])
    context.logging.info("run %d", context.params["n"])
    print(context.secrets.get("key"), context.state.get("n"), context.previous)`,
    };
    const service = warmService(runner, files);
    for (const n of [1, 2]) {
      const host = { getSecret: async () => `secret-${n}` };
      const context = { params: { n }, previous: n * 10, host };
      const run = service.run(context);
      expect(await both(run)).toBe(`secret-${n} ${n} ${n * 10}\n${n} ${n} 1\n`);
      expect([run.emitted, run.state]).toEqual([[expect.objectContaining({ data: { n } })], { n }]);
      expect(run.logged.map(({ message }) => message)).toEqual([`run ${n}`]);
    }
  });

  it("has its output in order, and all of it before its end, whoever wrote it", async () => {
    const source = `import os, subprocess, sys
for n in range(5):
    print("out", n)
    print("err", n, file=sys.stderr)
    subprocess.run(["echo", f"echo {n}"])
    sys.stdout.buffer.write(b"bytes\\xff\\n")
    sys.stdout.buffer.flush()
os.write(1, b"last")
subprocess.run(["sh", "-c", "printf ' of all' >&2"])`;
    const service = warmService(runner, { "main.py": source });
    const expected = [0, 1, 2, 3, 4].map((n) => `out ${n}\nerr ${n}\necho ${n}\nbytes\ufffd\n`).join("");
    for (let n = 0; n < 10; n += 1) {
      const run = service.run();
      await run.result;
      // Written by hand to both pipes at the end: each is whole, and which comes first is nobody's promise.
      expect(run.both().slice(0, expected.length)).toBe(expected);
      expect([run.stdout().endsWith("last"), run.stderr().endsWith(" of all")]).toEqual([true, true]);
    }
  });

  it("ends with the exit code of a process of its own, and the next run goes on in the same one", async () => {
    const source = `import os, sys
from fx_ef import get_param
print(os.getpid(), flush=True)
end = get_param("end")
if end == "code": sys.exit(259)
if end == "text": sys.exit("sorry")
if end == "error":
    def fail(): raise ValueError("wrong")
    fail()
if end == "exit hook":
    import atexit
    atexit.register(lambda: print("at exit"))`;
    const service = warmService(runner, { "main.py": source });
    const pids = new Set<string>();
    const end = async (how: string) => {
      const run = service.run({ params: { end: how } });
      const result = await run.result;
      const [pid, ...rest] = run.stdout().split("\n");
      pids.add(pid as string);
      return {
        exitCode: result.kind === "exited" ? result.exitCode : result,
        rest: rest.join("\n"),
        stderr: run.stderr(),
      };
    };
    expect(await end("code")).toEqual({ exitCode: 3, rest: "", stderr: "" });
    expect(await end("text")).toEqual({ exitCode: 1, rest: "", stderr: "sorry\n" });
    const { exitCode, stderr } = await end("error");
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^Traceback .*\n {2}File ".*main\.py", line \d+, in <module>\n.*\n[\s\S]*ValueError: wrong\n$/,
    );
    expect(stderr).not.toContain("fx_bootstrap");
    expect(await end("exit hook")).toEqual({ exitCode: 0, rest: "at exit\n", stderr: "" });
    expect(await end("none")).toEqual({ exitCode: 0, rest: "", stderr: "" });
    expect(pids.size).toBe(1);
  });

  it("tells of an error of syntax in each run", async () => {
    const [first, second] = await prints({ "main.py": "print(1" });
    expect(first).toContain("SyntaxError");
    expect(second).toBe(first);
  });

  it("sets up logging and exit functions for its own run only; those of its modules stay", async () => {
    const files = {
      "main.py": `import logging, setup, sys
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
logging.getLogger("x").addHandler(logging.StreamHandler(sys.stdout))
logging.getLogger("x").info("once each")`,
      "setup.py": `import atexit, logging, sys
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(logging.Formatter("module: %(message)s"))
logging.getLogger("x").addHandler(handler)
atexit.register(print, "not at the end of a run")`,
    };
    const [first, second] = await prints(files);
    expect(first).toBe("module: once each\nonce each\nonce each\n");
    expect(second).toBe(first);
  });

  it("waits for its threads, and what it has left is ended with its process, and told", async () => {
    const source = `import os, subprocess, threading, time
from fx_ef import get_param
print(os.getpid())
left = get_param("left")
if left == "thread": threading.Thread(target=lambda: (time.sleep(0.05), print("joined")), name="worker").start()
if left == "daemon": threading.Thread(target=time.sleep, args=(60,), name="sleeper", daemon=True).start()
if left == "process": print(subprocess.Popen(["sleep", "60"]).pid)`;
    const service = warmService(runner, { "main.py": source });
    const leave = async (left: string) => {
      const run = service.run({ params: { left } });
      expect(await run.result).toMatchObject({ kind: "exited", exitCode: 0 });
      const [pid, rest] = run.stdout().split("\n");
      return { pid, rest, told: run.logged.map(({ message }) => message).join() };
    };
    const clean = await leave("nothing");
    expect(clean.told).toBe("");
    const joined = await leave("thread");
    expect(joined).toMatchObject({ pid: clean.pid, rest: "joined", told: expect.stringContaining("thread worker") });
    const daemon = await leave("daemon");
    expect(daemon.pid).not.toBe(clean.pid);
    expect(daemon.told).toContain("thread sleeper");
    const child = await leave("process");
    expect(child.pid).not.toBe(daemon.pid);
    expect(child.told).toContain("a process that still runs");
    expect(await isAlive(Number(child.rest))).toBe(false);
  });

  it.each([
    ["a function called at its exit", "import atexit\natexit.register(late)"],
    ["a finalizer", "class Last:\n    def __del__(self, late=late): late()\nlast = Last()\nlast.self = last"],
    [
      "the end of a handler of its log",
      "import logging\nclass Last(logging.NullHandler):\n    close = lambda self: late()\nlogging.getLogger().addHandler(Last())",
    ],
  ])(
    "has left also a thread that %s has started, and what it asks for later is nothing of the next run",
    async (_, words) => {
      const source = `import threading, time
from fx_ef import context
def late(start=threading.Thread, sleep=time.sleep, put=context.state.put):
    start(target=lambda: (sleep(0.3), put("late", 1), print("late")), name="late").start()
${words}`;
      const service = warmService(runner, { "main.py": source });
      for (let n = 0; n < 3; n += 1) {
        const run = service.run();
        expect([await run.result, run.both(), run.state]).toMatchObject([{ kind: "exited", exitCode: 0 }, "", {}]);
        expect(run.logged.map(({ message }) => message).join()).toContain("thread late");
      }
    },
  );

  it("gets memory back that only a look at all it holds can free, though each run's end looks at what is new alone", async () => {
    const files = {
      "main.py": "import os, store\nstore.hold()\nprint(os.getpid(), len(store.alive))",
      "store.py": `import weakref
alive = weakref.WeakSet()
class Ring: pass
def hold():
    global held
    held = Ring()
    held.itself = held
    alive.add(held)`,
    };
    const service = warmService(runner, files);
    const counts: number[] = [];
    const pids = new Set<string>();
    await eventually(async () => {
      const [pid = "", count] = (await both(service.run())).split(" ");
      pids.add(pid);
      counts.push(Number(count));
      return counts.length > 3 && Number(count) < Number(counts.at(-2));
    });
    expect(pids.size).toBe(1);
    expect(counts.at(-1)).toBeLessThanOrEqual(2);
  });

  it("may fork: a child that comes to the script's end is no run", async () => {
    const source = `import os
child = os.fork()
if child: os.waitpid(child, 0)
print("parent" if child else "child")`;
    expect(await prints({ "main.py": source })).toEqual(["child\nparent\n", "child\nparent\n"]);
  });
});
