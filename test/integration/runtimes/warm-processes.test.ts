import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Isolation } from "../../../src/executor/isolation/isolation.ts";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import type { StepRequest } from "../../../src/executor/step-runner.ts";
import { noLimits, type RunLimits } from "../../../src/services/run-limits.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDir, tempDirForFile } from "../../support/temp-dir.ts";
import { isAlive, openRunner, type ScriptRun, warm } from "./script-runs.ts";
import { warmService } from "./warm-service.ts";

const megabyte = 1024 * 1024;
const data = tempDirForFile();
let runner: ProcessStepRunner;
beforeAll(async () => {
  runner = await openRunner(data);
});
afterAll(() => runner.close());

/** Says its process, then does as it is told by the parameter `do`. */
const source = `import os, sys, time
from fx_ef import context, get_param
print(os.getpid(), flush=True)
exec(get_param("do", ""))`;

function service(on = runner, more: Record<string, string> = {}) {
  const own = warmService(on, { "main.py": source, ...more });
  return {
    run: (words = "", options: Parameters<typeof own.run>[0] = {}) => own.run({ params: { do: words }, ...options }),
    async pid(): Promise<number> {
      return pidOf(own.run({ params: { do: "" } }));
    },
  };
}

async function pidOf(run: ScriptRun): Promise<number> {
  expect(await run.result).toMatchObject({ kind: "exited", exitCode: 0 });
  return Number(run.stdout());
}

const limited = (limits: Partial<RunLimits>) => ({ request: { limits: { ...noLimits, ...limits } } });

describe("a warm process", () => {
  it("runs one run at a time: runs that overlap have several", async () => {
    const { run } = service();
    const first = run("time.sleep(60)");
    await first.waitFor(/(\d+)/);
    const second = await pidOf(run());
    expect(second).not.toBe(Number(first.stdout()));
    first.step.stop("cancelled", 0);
    expect(await first.result).toMatchObject({ kind: "stopped", reason: "cancelled" });
    expect(await pidOf(run())).toBe(second);
  });

  it("is ended by a run's timeout, and the next run has another", async () => {
    const { run, pid } = service();
    const before = await pid();
    const late = run("time.sleep(60)", { request: { timeoutMs: 2_000 } });
    expect(await late.result).toMatchObject({ kind: "timeout", timeoutMs: 2_000 });
    expect(Number(late.stdout())).toBe(before);
    expect(await isAlive(before)).toBe(false);
    expect(await pid()).not.toBe(before);
  });

  it("D8: is ended with the lease of its run, and has none while it is idle", async () => {
    const { run, pid } = service();
    const request = { ttlMs: 3_000 };
    const before = await pidOf(run("", { request }));
    // Longer than the lease of the run that is over.
    await service().run("time.sleep(3.2)").result;
    expect(await pidOf(run("", { request }))).toBe(before);
    const lost = run("time.sleep(60)", { request });
    expect(await lost.result).toMatchObject({ kind: "stopped", reason: "lease-lost" });
    expect(await pid()).not.toBe(before);
  });

  it("D8: lives on with a run whose lease is renewed", async () => {
    const { run } = service();
    const long = run("time.sleep(3.2)", { request: { ttlMs: 3_000 } });
    await long.waitFor(/(\d+)/);
    long.step.keepAlive(20_000);
    expect(await long.result).toMatchObject({ kind: "exited", exitCode: 0 });
  });

  it("D9: has no result before all that the run sent is handled", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let asked = false;
    const log = () => {
      asked = true;
      return promise;
    };
    const { run } = service();
    const { result } = run("context.logging.info('x')", { host: { log } });
    let over = false;
    void result.then(() => {
      over = true;
    });
    await eventually(() => asked);
    await service().pid();
    expect(over).toBe(false);
    resolve();
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
  });

  it("that ends by itself ends its run as a process of its own would, and no other", async () => {
    const { run, pid } = service();
    const neighbour = service().run("time.sleep(0.5)");
    await neighbour.waitFor(/(\d+)/);
    const ends = [
      ["os._exit(3)", { kind: "exited", exitCode: 3 }],
      ["os.kill(os.getpid(), 11)", { kind: "signalled", signal: "SIGSEGV" }],
      ["os.closerange(3, 256); time.sleep(60)", { kind: "signalled", signal: "SIGKILL" }],
    ] as const;
    for (const [words, end] of ends) {
      const before = await pid();
      const run_ = run(words);
      expect(await run_.result).toMatchObject(end);
      expect(Number(run_.stdout())).toBe(before);
    }
    expect(await neighbour.result).toMatchObject({ kind: "exited", exitCode: 0 });
  });

  it.each(["", "time.sleep(60)", "raise ValueError('unheard')", "context.state.put('n', 1)", "print('unheard')"])(
    "whose script has closed all that it speaks by is ended, and its run's log says so (%s)",
    async (words) => {
      const { run, pid } = service();
      const before = await pid();
      const closed = run(`os.closerange(0, 256)\n${words}`);
      const { kind, ...how } = await closed.result;
      expect(kind === "exited" ? how : kind).toEqual(
        kind === "exited" ? expect.objectContaining({ exitCode: 1 }) : "signalled",
      );
      expect(closed.logged.map(({ message }) => message).join()).toContain("the script has closed the descriptors");
      expect(await pid()).not.toBe(before);
    },
  );

  it("is lost with the zygote that it was forked from, and the next run has another", async (test) => {
    if (!runner.zygotes) return test.skip("there are zygotes on Linux");
    const { run, pid } = service();
    const lost = run("time.sleep(60)");
    await lost.waitFor(/(\d+)/);
    const python = await runner.runtimes.forScript("main.py")?.probe();
    const zygote = runner.zygotes.of(python?.available ? python.command : "");
    process.kill(zygote?.pid as number, "SIGKILL");
    expect(await lost.result).toMatchObject({ kind: "lost" });
    expect(await pid()).not.toBe(Number(lost.stdout()));
    await warm(runner);
  });

  it("names the limit that a run passes, and counts run by run what is to be counted so", async () => {
    const limits = { memoryBytes: 200 * megabyte, cpuSeconds: 1, outputBytes: 64 * 1024, openFiles: 100 };
    const { run } = service();
    const passes = async (words: string) => {
      const result = await run(words, limited(limits)).result;
      return result.kind === "overrun" ? result.limit : result.kind;
    };
    const burn = "end = time.process_time() + 0.4\nwhile time.process_time() < end: pass";
    for (let n = 0; n < 4; n += 1) expect(await passes(`${burn}\nprint('x' * 30_000)`)).toBe("exited");
    expect(await passes("held = []\nwhile True: held.append(bytearray(8 << 20))")).toBe("memoryBytes");
    expect(await passes("while True: pass")).toBe("cpuSeconds");
    expect(await passes("import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass")).toBe(
      "cpuSeconds",
    );
    expect(await passes("import subprocess; subprocess.run(['sh', '-c', 'while :; do :; done'])")).toBe("cpuSeconds");
    expect(await passes("while True: print('x' * 1000)")).toBe("outputBytes");
    expect(await passes("while True: os.write(1, b'x' * 1000)")).toBe("outputBytes");
    expect(await passes("held = [open('/dev/null') for _ in range(200)]")).toBe("openFiles");
  });

  it("whose output is more than is kept has it cut, run by run", async () => {
    const { run } = service();
    for (let n = 0; n < 2; n += 1) {
      const cut = run("print('x' * 5000)", { request: { outputCapBytes: 1000 } });
      expect(await cut.result).toMatchObject({ kind: "exited", outputBytes: 1000, truncated: true });
      expect(cut.stderr()).toContain("cut here");
    }
  });

  it("that prints faster than its output is taken waits, and loses nothing", async () => {
    let taken = 0;
    const output = async ({ bytes }: { bytes: Uint8Array }) => {
      await new Promise((resolve) => setImmediate(resolve));
      taken += bytes.length;
    };
    const { run } = service();
    const result = await run("for _ in range(64): print('x' * 65535); os.write(1, b'y' * 1000)", { host: { output } })
      .result;
    expect(result).toMatchObject({ kind: "exited", truncated: false });
    expect(taken).toBe((result as { outputBytes: number }).outputBytes);
    expect(taken).toBeGreaterThan(64 * 66_536);
  });

  it("that goes on to compute after it has said that its run is over is ended", async () => {
    const { run, pid } = service();
    const words = "from fx_ef import _context\n_context._channel.ended(0, [])\nwhile True: pass";
    const { result, stdout } = run(words);
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    const busy = Number(stdout());
    await eventually(async () => !(await isAlive(busy)));
    const next = await pid();
    expect(next).not.toBe(busy);
    // Longer than until the first look: who waits for a run is left alone.
    await service().run("time.sleep(2.5)").result;
    expect(await pid()).toBe(next);
  });

  it("that keeps what its runs allocate is ended before it takes too much", async () => {
    const { run } = service(runner, { "kept.py": "held = []" });
    const words = "import kept; kept.held.append(b'x' * (20 << 20))";
    const pids: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      const { result, stdout } = run(words, limited({ memoryBytes: 200 * megabyte }));
      expect(await result).toMatchObject({ kind: "exited" });
      pids.push(Number(stdout()));
      // It is looked at once a second.
      if (n === 5) await service().run("time.sleep(1)").result;
    }
    const runs = [...Map.groupBy(pids, (pid) => pid).values()].map(({ length }) => length);
    expect(runs.length).toBeGreaterThan(1);
    // A quarter of the limit it may keep, which is more than two runs after its first one leave. The last one has not come so far.
    for (const count of runs.slice(0, -1)) expect(count).toBeGreaterThanOrEqual(4);
  });

  const leaking: [string, StepRequest["runtime"], Record<string, string>][] = [
    ["Python", undefined, { "main.py": "import os\nfor _ in range(10): os.open('/dev/null', 0)\nprint(os.getpid())" }],
    ...(["node", "bun"] as const).map((runtime): (typeof leaking)[number] => [
      runtime,
      runtime,
      {
        "main.ts": `import { openSync } from "node:fs";
for (let n = 0; n < 10; n++) openSync("/dev/null", "r");
console.log(process.pid);`,
      },
    ]),
  ];
  it.each(leaking)(
    "in %s is replaced before a run fails over files that earlier runs have left open",
    async (_, runtime, files) => {
      const { run } = warmService(runner, files);
      const pids: number[] = [];
      const request = { runtime, limits: { ...noLimits, openFiles: 120 } };
      for (let n = 0; n < 20; n += 1) pids.push(await pidOf(run({ request })));
      // What it opens it may keep for some runs: a module's connections are no reason to begin anew.
      expect(pids[1]).toBe(pids[0]);
      expect(new Set(pids).size).toBeGreaterThan(2);
    },
  );

  it("runs a version and a service that it was started for, and no other", async () => {
    const { pid } = service();
    expect(await service().pid()).not.toBe(await pid());
    const own = warmService(runner, { "main.py": source });
    const first = await pidOf(own.run());
    expect(await pidOf(own.run())).toBe(first);
    expect(await pidOf(own.run({ service: "other" }))).not.toBe(first);
  });

  it("S2: cannot be reached by another service's script", async (test) => {
    if (process.getuid?.() !== 0) return test.skip("scripts have users of their own where the executor is root");
    const idle = await service().pid();
    const words = `for act in (lambda: os.kill(${idle}, 0), lambda: open("/proc/${idle}/environ").read()):
    try: act(); print("reached")
    except PermissionError: print("refused")`;
    const { result, stdout } = service().run(words);
    await result;
    expect(stdout().split("\n").slice(1)).toEqual(["refused", "refused", ""]);
    const { firstUid, lastUid } = runner.isolation as Extract<Isolation, { kind: "own-user" }>;
    const uid = Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${idle}/status`, "utf8"))?.[1]);
    expect(uid).toBeGreaterThan(firstUid);
    expect(uid).toBeLessThanOrEqual(lastUid);
  });
});

describe("the places of warm processes", () => {
  it("are given to whoever needs one, from whoever was idle for longest", async () => {
    const own = await openRunner(tempDir());
    const services = [1, 2, 3, 4].map(() => service(own));
    const pids: number[] = [];
    for (const { pid } of services) pids.push(await pid());
    await services[0]?.pid();
    await service(own).pid();
    expect(await Promise.all(pids.map(isAlive))).toEqual([true, false, true, true]);
    await own.close();
    expect(await Promise.all(pids.map(isAlive))).toEqual([false, false, false, false]);
  });

  it("that are all busy leave a run with a process of its own", async () => {
    const own = await openRunner(tempDir());
    const { run } = service(own);
    const busy = [1, 2, 3, 4].map(() => run("time.sleep(60)"));
    await Promise.all(busy.map((one) => one.waitFor(/(\d+)/)));
    const alone = await pidOf(run());
    expect(await isAlive(alone)).toBe(false);
    await own.close();
    expect(await Promise.all(busy.map((one) => one.result))).toMatchObject(Array(4).fill({ reason: "shutdown" }));
  });

  it("are of no use where nothing is forked: a run has a process of its own, and nothing that it started is left", async () => {
    const own = await openRunner(tempDir(), "off");
    const { run, pid } = service(own);
    const orphan =
      "import subprocess\nprint(subprocess.run(['sh', '-c', 'setsid sleep 97 >&- 2>&- & echo $!'], stdout=-1).stdout)";
    const { result, waitFor } = run(orphan);
    const left = Number(await waitFor(/b'(\d+)/));
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(await isAlive(left)).toBe(false);
    expect(await pid()).not.toBe(await pid());
    await own.close();
  });

  it("are of no interest to a language without a host for them", async () => {
    const own = warmService(runner, { "main.sh": "echo $$" });
    const [first, second] = [await pidOf(own.run()), await pidOf(own.run())];
    expect(second).not.toBe(first);
  });
});
