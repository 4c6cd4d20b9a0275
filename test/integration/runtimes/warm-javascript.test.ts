import { mkdirSync, symlinkSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { tempDir } from "../../support/temp-dir.ts";
import { WarmProcess } from "./warm-process.ts";

const ok = { code: 0, leftovers: [], stderr: "" };

describe.each(["node", "bun"] as const)("a warm process of %s", (runtime) => {
  const processes: WarmProcess[] = [];
  afterEach(async () => {
    for (const warm of processes.splice(0)) await warm.close();
  });

  async function start(files: Record<string, string> | string) {
    const warm = await WarmProcess.start(tempDir(), runtime, typeof files === "string" ? { "main.ts": files } : files);
    processes.push(warm);
    return warm;
  }

  it("runs a script anew each time, on modules that live on", async () => {
    const warm = await start({
      "main.ts": `
import { count, increase } from "./count.ts";
import type { Context } from "@streamzero/fx";
let own: number = 0;
own += 1;
increase();
export const said = [own, count] satisfies unknown[];
console.log(...said);`,
      "count.ts": `export let count = 0; export function increase(): void { count += 1; }`,
    });
    const printed = [await warm.run(), await warm.run(), await warm.run()];
    expect(printed.map(({ stdout }) => stdout)).toEqual(["1 1\n", "1 2\n", "1 3\n"]);
    expect(printed[2]).toMatchObject(ok);
  });

  it("gives each run its own context, and modules that of the run that is on", async () => {
    const warm = await start({
      "main.ts": `
import { context, getParam as param } from "@streamzero/fx";
import * as fx from "@streamzero/fx";
import { describeRun } from "./helper.ts";
console.log(param("n"), context.params.get("n"), fx.context.execution.id, context.previous, param("package_name"));
console.log(describeRun());
context.logging.info("step", param("n"));
console.log(await context.events.send("order.placed", { n: param("n") }), await context.state.get("seen"));
await context.result({ n: param("n") });`,
      "helper.ts": `
import { context, getParam } from "@streamzero/fx";
const { params, execution, logging } = context;
export function describeRun() {
  logging.warning("asked");
  return [params.get("n"), getParam("n"), context.execution.id, execution.id, Object.keys(context).includes("events")].join();
}`,
    });
    const answer = ({ op }: { op: string }) => (op === "emit" ? { id: "e1" } : op === "getState" ? { seen: 5 } : null);
    await warm.run({ params: { n: 1 }, answer });
    const { stdout, asks } = await warm.run({ params: { n: 2 }, previous: "before", answer });
    expect(stdout).toBe("2 2 x2 before orders\n2,2,x2,x1,true\ne1 5\n");
    expect(asks.map(({ op, run }) => [op, run])).toEqual(
      ["log", "log", "emit", "getState", "setResult"].map((op) => [op, 2]),
    );
  });

  it("lets a context that was kept act for no later run", async () => {
    const warm = await start({
      "main.ts": `
import { context } from "@streamzero/fx";
import { kept } from "./kept.ts";
for (const earlier of kept.splice(0)) {
  await earlier.events.send("late").catch((error: Error) => console.log(error.name, error.message));
  try { earlier.logging.info("late"); } catch (error) { console.log((error as { code: string }).code); }
}
kept.push(context);`,
      "kept.ts": `import type { Context } from "@streamzero/fx"; export const kept: Context[] = [];`,
    });
    await warm.run();
    expect(await warm.run()).toMatchObject({
      ...ok,
      asks: [],
      stdout: "FxError the run has ended; what it kept acts for no later run\nunavailable\n",
    });
  });

  it("sets arguments, environment, directory and exit code anew", async () => {
    const warm = await start(`
import { getParam } from "@streamzero/fx";
console.log(JSON.parse(process.argv[2] as string), process.argv.length, process.execArgv.length);
console.log(process.env.FX_EXECUTION_ID, process.env.EXTRA, process.env.LEAKED, process.env.FX_NONCE, typeof process.env.PATH);
console.log(process.cwd() === import.meta.dirname, process.umask(0o77).toString(8), process.exitCode || 0);
process.env.LEAKED = "yes";
delete process.env.PATH;
process.argv.push("more");
process.chdir("/");
if (getParam("replace")) process.env = { ONLY: "this" };
process.exitCode = getParam("code");`);
    const first = await warm.run({ params: { code: 7, replace: true }, env: { EXTRA: "here" } });
    const second = await warm.run({ params: { code: 0 } });
    const lines = (n: number, extra: string) => [
      expect.stringContaining("package_name"),
      `x${n} ${extra} undefined undefined string`,
      expect.stringMatching(/^true \d+ 0$/),
    ];
    expect(first.code).toBe(7);
    expect(first.stdout.replace(/\{[^}]*\}/, (text) => text.replaceAll("\n", "")).split("\n")).toEqual([
      ...lines(1, "here"),
      "",
    ]);
    expect(second.stdout.replace(/\{[^}]*\}/, (text) => text.replaceAll("\n", "")).split("\n")).toEqual([
      ...lines(2, "undefined"),
      "",
    ]);
    expect([second.code, second.stdout.match(/true (\d+)/)?.[1]]).toEqual([0, first.stdout.match(/true (\d+)/)?.[1]]);
  });

  it("takes names that a run has made global, its listeners, and what it put in the place of others", async () => {
    const warm = await start(`
const found = [typeof planted, process.listenerCount("SIGUSR2"), process.listenerCount("uncaughtException"), Date.now() > 1, Error.stackTraceLimit > 0];
console.log(...found);
declare var planted: unknown;
(globalThis as any).planted = 1;
process.on("SIGUSR2", () => {});
process.on("uncaughtException", () => {});
globalThis.Date = { now: () => 0 } as never;
Error.stackTraceLimit = 0;
console.log = () => {};
process.stdout.write = () => true;`);
    const first = await warm.run();
    expect([first, await warm.run()]).toEqual([first, first]);
    expect(first).toMatchObject({ ...ok, stdout: "undefined 0 0 true true\n" });
  });

  it.each([
    ["the zone of dates", "new Date(0).getHours()", "process.env.TZ = 'Asia/Tokyo'"],
    ["the order of addresses", "dns.getDefaultResultOrder()", "dns.setDefaultResultOrder('ipv6first')"],
    ["the servers of names", "dns.getServers()", "dns.setServers(['127.0.0.9'])"],
    ["the servers of names by promises", "dns.promises.getServers()", "setServers(['127.0.0.9'])"],
    [
      "how connections are tried",
      "net.getDefaultAutoSelectFamilyAttemptTimeout()",
      "net.setDefaultAutoSelectFamilyAttemptTimeout(77)",
    ],
    ["how many listeners are too many", "events.defaultMaxListeners", "events.defaultMaxListeners = 77"],
    ["how much streams hold", "stream.getDefaultHighWaterMark(true)", "stream.setDefaultHighWaterMark(true, 77)"],
    ["how values are shown", "util.inspect.defaultOptions.depth", "util.inspect.defaultOptions.depth = 7"],
    ["who hears of diagnostics", "diagnostics.hasSubscribers('own')", "diagnostics.subscribe('own', () => {})"],
    [
      "what diagnostics set",
      "diagnostics.channel('own').hasSubscribers",
      "diagnostics.channel('own').bindStore(new AsyncLocalStorage())",
    ],
    ["the pool of buffers", "Buffer.poolSize", "Buffer.poolSize = 77"],
  ])("finds %s as the first run did", async (_, tells, changes) => {
    const warm = await start(`
import { AsyncLocalStorage } from "node:async_hooks";
import diagnostics from "node:diagnostics_channel";
import dns from "node:dns";
import { setServers } from "node:dns/promises";
import events from "node:events";
import net from "node:net";
import stream from "node:stream";
import util from "node:util";
console.log(JSON.stringify(${tells}));
${changes};
console.log(JSON.stringify(${tells}));`);
    const [first, second] = [await warm.run(), await warm.run()];
    const [before, after] = first.stdout.split("\n");
    expect(before).not.toBe(after);
    expect([first, second]).toEqual([expect.objectContaining(ok), first]);
  });

  // Bun makes hooks of asynchronous resources that are never called.
  if (runtime === "node")
    it("has no hook of asynchronous resources that another run has set, and those that modules have set", async () => {
      const files = {
        "main.ts": `
import { createHook } from "node:async_hooks";
import { getParam } from "@streamzero/fx";
import { seen } from "./seen.ts";
if (getParam("hooked")) createHook({ init: () => { seen.byRun += 1; } }).enable();
const before = { ...seen };
setTimeout(() => console.log(seen.byRun - before.byRun, seen.byModule - before.byModule), 0);`,
        "seen.ts": `
import { createHook } from "node:async_hooks";
export const seen = { byRun: 0, byModule: 0 };
createHook({ init: (_id, type) => { if (type === "Timeout") seen.byModule += 1; } }).enable();`,
      };
      const warm = await start(files);
      const runs = [await warm.run(), await warm.run({ params: { hooked: true } }), await warm.run()];
      const counts = runs.map(({ stdout }) =>
        stdout
          .trim()
          .split(" ")
          .map((count) => Number(count) > 0),
      );
      expect(counts).toEqual([
        [false, true],
        [true, true],
        [false, true],
      ]);
      expect(runs.map(({ leftovers }) => leftovers)).toEqual([[], [], []]);
    });

  it("keeps connections that were let go, from run to run", async () => {
    const server = createServer((socket) => socket.pipe(socket));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const warm = await start({
      "main.ts": `
import { connection, echo, opened } from "./connection.ts";
connection.ref();
console.log(await echo(), opened);
connection.unref();`,
      "connection.ts": `
import { connect } from "node:net";
import { once } from "node:events";
export const connection = connect(${(server.address() as AddressInfo).port}, "127.0.0.1");
export const opened = Date.now();
await once(connection, "connect");
connection.unref();
export async function echo() {
  connection.write("hello");
  const [said] = await once(connection, "data");
  return String(said);
}`,
    });
    const [first, second] = [await warm.run(), await warm.run()];
    expect(first).toMatchObject({ ...ok, stdout: expect.stringMatching(/^hello \d+\n$/) });
    expect(second).toEqual(first);
    await warm.close();
    server.close();
  });

  it("passes output on whole, in order, and as bytes where it is no text", async () => {
    const warm = await start(`
console.log("1"); process.stderr.write("2\\n"); console.warn("3", { a: [1, "b"] }, 4n);
process.stdout.write(Buffer.from([0xff, 0x00, 0x6f]));
process.stdout.write("é😀".repeat(700_001));
console.error("%s is %d%%", "this", 5, "more");`);
    const { both, bytes, ...end } = await warm.run();
    expect(end).toMatchObject({ code: 0, leftovers: [] });
    expect(bytes.subarray(0, 5)).toEqual(Buffer.from([0x31, 0x0a, 0xff, 0x00, 0x6f]));
    expect(bytes.subarray(5).toString()).toBe("é😀".repeat(700_001));
    expect(both.startsWith("1\n2\n3 {")).toBe(true);
    expect(both.endsWith("this is 5% more\n")).toBe(true);
  });

  it("knows its script as the main one, by all names", async () => {
    const warm = await start(`
console.log(import.meta.main, import.meta.url.endsWith("/main.ts"), import.meta.filename === process.argv[1], import.meta.dirname === process.cwd());
const { main } = await import("./later.ts" as string);
console.log(main);`);
    const files = { "later.ts": "export const main = import.meta.main;" };
    const other = await start({
      "main.ts": `import { main } from "./later.ts"; console.log(main, import.meta.main);`,
      ...files,
    });
    expect((await other.run()).stdout + (await other.run()).stdout).toBe("false true\nfalse true\n");
    expect((await warm.run()).stdout.split("\n")[0]).toBe("true true true true");
  });

  it("runs CommonJS, each time as a new module", async () => {
    const warm = await start({
      "main.cjs": `
const { context, getParam } = require("@streamzero/fx");
const helper = require("./helper.cjs");
let own = 0;
own += 1;
helper.count += 1;
exports.seen = own;
console.log(own, helper.count, getParam("n"), context.execution.id, require.main === module, this === exports, __filename === process.argv[1], __dirname === process.cwd());
import("./helper.cjs").then(({ default: same }) => console.log(same === helper));
if (getParam("n") === 2) throw new RangeError("two");`,
      "helper.cjs": "exports.count = 0;",
    });
    expect(await warm.run({ params: { n: 1 } })).toMatchObject({
      ...ok,
      stdout: "1 1 1 x1 true true true true\ntrue\n",
    });
    const failed = await warm.run({ params: { n: 2 } });
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringMatching(/main\.cjs:10:\d+/)]);
    expect((await warm.run({ params: { n: 3 } })).stdout).toMatch(/^1 3 3 x3 true/);
  });

  it("finds its script by way of a link", async () => {
    const root = tempDir();
    mkdirSync(join(root, "real"));
    symlinkSync("real", join(root, "version"));
    const files = { "main.ts": `console.log("runs");`, "other.cjs": `console.log("runs");` };
    for (const script of Object.keys(files)) {
      const warm = await WarmProcess.start(root, runtime, files, script);
      processes.push(warm);
      expect([await warm.run(), await warm.run()].map(({ stdout }) => stdout)).toEqual(["runs\n", "runs\n"]);
      await warm.close();
    }
  });

  if (runtime === "bun")
    it("may have enums and namespaces", async () => {
      const warm = await start(`
export enum Colour { Red = "red" }
namespace Paint { export const colour: Colour = Colour.Red; }
console.log(Paint.colour);`);
      expect([await warm.run(), await warm.run()]).toMatchObject([{ stdout: "red\n" }, { stdout: "red\n" }]);
    });

  it("has what an interpreter itself warns of, and what is fetched, in every run", async () => {
    const server = createHttpServer((_request, response) => response.end("fetched"));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const warm = await start(`
console.log(await (await fetch("http://127.0.0.1:${(server.address() as AddressInfo).port}")).text());
process.emitWarning("careful");`);
    for (const end of [await warm.run(), await warm.run()]) {
      expect(end).toMatchObject({ code: 0, leftovers: [], stdout: "fetched\n" });
      expect(end.stderr).toContain("Warning: careful");
    }
    await warm.close();
    server.close();
    server.closeAllConnections();
  });

  it("does not grow over twenty thousand runs", async () => {
    const warm = await start(`
import { context } from "@streamzero/fx";
const held = Array.from({ length: 100 }, (_, n) => ({ n, id: context.execution.id }));
console.log(held.length);`);
    for (let n = 0; n < 5000; n++) await warm.run();
    const before = warm.residentBytes();
    for (let n = 0; n < 20_000; n++) await warm.run();
    expect(warm.residentBytes() - before).toBeLessThan(24 * 1024 * 1024);
  });
});
