import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { WarmProcess } from "./warm-process.ts";

const ok = { code: 0, leftovers: [], stderr: "" };

describe.each(["node", "bun"] as const)("runs of a warm process of %s", (runtime) => {
  const processes: WarmProcess[] = [];
  afterEach(async () => {
    for (const warm of processes.splice(0)) await warm.close();
  });

  async function start(files: Record<string, string> | string) {
    const warm = await WarmProcess.start(tempDir(), runtime, typeof files === "string" ? { "main.ts": files } : files);
    processes.push(warm);
    return warm;
  }

  it("ends a run when all that it has started is done", async () => {
    const warm = await start(`
import { context } from "@streamzero/fx";
import { createServer } from "node:net";
setTimeout(() => console.log("timer"), 20);
const server = createServer((socket) => { socket.destroy(); server.close(); }).listen(0, () => fetch("http://127.0.0.1:" + (server.address() as any).port).catch(() => console.log("hung up")));
void context.events.send("unawaited").then(() => console.log("sent"));
process.on("beforeExit", () => setTimeout(() => console.log("last"), 1));
process.on("exit", (code) => console.log("exit", code));`);
    for (const { stdout, asks, ...end } of [await warm.run(), await warm.run()]) {
      expect(end).toMatchObject(ok);
      expect(asks).toHaveLength(1);
      const lines = stdout.trim().split("\n");
      expect(lines.slice(-2)).toEqual(["last", "exit 0"]);
      expect(lines.toSorted()).toEqual(["exit 0", "hung up", "last", "sent", "timer"]);
    }
  });

  it("ends a run by process.exit, wherever that is said and whoever catches it", async () => {
    const warm = await start(`
import { context, getParam } from "@streamzero/fx";
process.on("exit", (code) => { console.log("exit", code); if (code === 5) process.exitCode = 6; });
const leave = () => {
  try { process.exit(getParam("code")); } catch {}
  console.log("after");
  try { context.logging.info("after"); } catch {}
  process.exit(99);
};
switch (getParam("where")) {
  case "top": leave(); break;
  case "timer": setTimeout(leave, 1); await new Promise(() => {}); break;
  case "promise": await Promise.resolve().then(leave).catch(() => process.exit(98)); break;
  case "listener": process.on("exit", () => process.exit(44)); break;
}`);
    const endOf = async (where: string, code?: number, leftovers: string[] = []) => {
      const { asks, ...end } = await warm.run({ params: { where, ...(code === undefined ? {} : { code }) } });
      expect([asks, end.stderr, end.leftovers]).toEqual([[], "", leftovers]);
      return [end.code, end.stdout];
    };
    expect(await endOf("top", 3)).toEqual([3, "exit 3\n"]);
    expect(await endOf("top")).toEqual([0, "exit 0\n"]);
    expect((await endOf("top", 257))[0]).toBe(1);
    expect(await endOf("top", 5)).toEqual([6, "exit 5\n"]);
    expect(await endOf("promise", 2)).toEqual([2, "exit 2\n"]);
    expect(await endOf("listener")).toEqual([44, "exit 0\n"]);
    const waiting = runtime === "bun" ? ["a script that waits"] : [];
    expect(await endOf("timer", 4, waiting)).toEqual([4, "exit 4\n"]);
  });

  it("fails a run over an error that nobody caught, shows where, and goes on", async () => {
    const source = `
import { getParam } from "@streamzero/fx";
interface Unused { a: 1 }

function inner(): never {
  throw new TypeError("no such luck");
}
console.log("before");
switch (getParam("where")) {
  case "top": inner();
  case "timer": setTimeout(inner, 1); setTimeout(() => console.log("later"), 1000); break;
  case "rejection": void Promise.reject(new TypeError("no such luck")); break;
  case "value": throw "a word";
  case "files": throw Object.assign(new Error("too many"), { code: "EMFILE" });
  case "handled": process.on("uncaughtException", (error) => console.log("handled", error.message)); setTimeout(inner, 1);
}`;
    const warm = await start(source);
    for (const where of ["top", "rejection", "timer"]) {
      const { stderr, both, ...end } = await warm.run({ params: { where } });
      expect(end).toMatchObject({ code: 1, stdout: "before\n" });
      expect(stderr).toMatch(/TypeError: no such luck/);
      expect(stderr).toMatch(where === "rejection" ? /main\.ts:12:\d+/ : /main\.ts:6:\d+/);
      expect(stderr).not.toContain("sdk/typescript");
      expect(both.startsWith("before\n")).toBe(true);
      expect(end.leftovers.length).toBe(where === "timer" ? 1 : 0);
    }
    const next = await start(source);
    expect(await next.run({ params: { where: "value" } })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("a word"),
    });
    expect((await next.run({ params: { where: "files" } })).asks).toMatchObject([
      { op: "overrun", limit: "openFiles" },
    ]);
    expect(await next.run({ params: { where: "handled" } })).toMatchObject({
      ...ok,
      stdout: "before\nhandled no such luck\n",
    });
  });

  it("tells what a run left, so that the process can be replaced", async () => {
    const source = `
import { getParam } from "@streamzero/fx";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
switch (getParam("left")) {
  case "interval": setInterval(() => {}, 1000); process.exit(0);
  case "child": spawn("sleep", ["1000"], { stdio: "ignore" }).unref(); break;
  case "server": {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, done));
    server.unref();
    break;
  }
  case "worker": {
    const url = "data:text/javascript,setInterval(() => {}, 1000)";
    if (typeof Worker === "function") new Worker(url).unref();
    else new (await import("node:worker_threads")).Worker(new URL(url)).unref();
    break;
  }
  case "output": process.stdout.end(); break;
  case "input": for await (const chunk of process.stdin) console.log(chunk);
}`;
    const left: Record<string, string[]> = {};
    for (const what of ["interval", "child", "server", "worker", "output", "input", "nothing"]) {
      const warm = await start(source);
      left[what] = (await warm.run({ params: { left: what } })).leftovers;
    }
    expect(left).toEqual({
      interval: [runtime === "node" ? "Timeout" : "what went on after process.exit"],
      child: [expect.stringMatching(/^process \d+$/)],
      server: ["a server"],
      worker: ["a worker thread"],
      output: ["an output that was ended"],
      input: ["an input that was read"],
      nothing: [],
    });
  });

  it.each([
    [
      "a name that cannot be taken from what is global",
      "the property planted",
      "Object.defineProperty(globalThis, 'planted', { value: 1 });",
    ],
    ["a frozen process", "an object of the language that takes nothing new", "Object.preventExtensions(process);"],
    ["other flags of V8", "other flags of V8", "v8.setFlagsFromString('--stack-size=500');"],
  ])("tells that a run left %s", async (_, words, changes) => {
    const warm = await start(`import v8 from "node:v8";\n${changes}`);
    expect((await warm.run()).leftovers).toContain(words);
  });

  it("ends timers that a run let go, of every kind, and needs no replacement for it", async () => {
    const warm = await start(`
import { getParam } from "@streamzero/fx";
import { appendFileSync } from "node:fs";
import { scheduler, setInterval as ticks, setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
const run = process.env.FX_EXECUTION_ID;
const letGo = { ref: false };
const seen = new Set<string>();
const fired = (kind: string) => {
  seen.add(kind);
  appendFileSync("fired", [run, process.env.FX_EXECUTION_ID, kind].join(" ") + "\\n");
};
setTimeout(fired, 30, "timeout").unref();
setInterval(fired, 30, "interval").unref();
setImmediate(fired, "immediate").unref();
AbortSignal.timeout(30).addEventListener("abort", ({ target }) => fired((target as AbortSignal).reason.name));
void wait(30, "wait", letGo).then(fired);
void promisify(setTimeout)(30, "promisified", letGo).then(fired);
void scheduler.wait(30, letGo).then(() => fired("scheduler"));
void (async () => { for await (const tick of ticks(30, "ticks", letGo)) fired(tick); })();
const held = getParam("wait") ? setInterval(() => { if (seen.size === 8) clearInterval(held); }, 10) : undefined;`);
    for (const wait of [true, false, true]) expect(await warm.run({ params: { wait } })).toMatchObject(ok);
    const fired = new Set(readFileSync(`${warm.directory}/fired`, "utf8").trim().split("\n"));
    const all = "TimeoutError immediate interval promisified scheduler ticks timeout wait".split(" ");
    // One that is due before its run is over may also fire in one that waits for nothing.
    const late = [...fired].filter((line) => !line.startsWith("x2 x2 "));
    expect(late.sort()).toEqual(["x1", "x3"].flatMap((run) => all.map((kind) => `${run} ${run} ${kind}`)));
  });

  it("lets a timer that was let go be given up as any other", async () => {
    const warm = await start(`
import { setInterval as ticks, setTimeout as wait } from "node:timers/promises";
const kept = setTimeout(() => {}, 60_000);
const given = new AbortController();
const name = ({ name }: Error) => name;
const held = wait(1000, 0, { ref: false, signal: given.signal }).catch(name);
given.abort();
console.log(await held, await wait(1, "value", { ref: false, signal: new AbortController().signal }));
for await (const tick of ticks(1, "tick", { ref: false })) { console.log(tick); break; }
clearTimeout(kept);`);
    const { stdout, ...end } = await warm.run();
    expect([stdout, end]).toMatchObject(["AbortError value\ntick\n", ok]);
  });

  it("tells that a promise which the script awaits will never settle", async () => {
    const warm = await start(`await new Promise(() => {});`);
    expect(await warm.run()).toMatchObject({
      code: 13,
      stderr: expect.stringContaining("unsettled top-level await"),
      leftovers: runtime === "bun" ? ["a script that waits"] : [],
    });
  });

  it("cannot serve on when a module fails while it is loaded", async () => {
    const warm = await start({ "main.ts": `import "./broken.ts";`, "broken.ts": `throw new Error("broken");` });
    const { code, stderr, leftovers } = await warm.run();
    expect([code, leftovers]).toEqual([1, ["a module that could not be loaded"]]);
    expect(stderr).toContain("Error: broken".slice(runtime === "bun" ? 7 : 0));
  });

  it("ends a run whose modules say process.exit", async () => {
    const warm = await start({
      "main.ts": `import "./leaving.ts"; console.log("never");`,
      "leaving.ts": `console.log("leaves"); process.exit(3);`,
    });
    expect(await warm.run()).toMatchObject({
      code: 3,
      both: "leaves\n",
      leftovers: ["a module that could not be loaded"],
    });
  });

  it("ends with its channel, and its modules hear of it", async () => {
    const warm = await start({
      "main.ts": `import "./closing.ts"; process.on("exit", () => console.log("the run's"));`,
      "closing.ts": `process.on("exit", () => console.log("the module's"));`,
    });
    expect((await warm.run()).stdout).toBe("the run's\n");
    warm.hangUp();
    expect(await warm.exited).toBe(0);
    await eventually(() => warm.direct === "the module's\n");
  });
});
