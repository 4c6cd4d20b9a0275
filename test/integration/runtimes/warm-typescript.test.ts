import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { noLimits } from "../../../src/services/run-limits.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { isAlive, openRunner } from "./script-runs.ts";
import { warmService } from "./warm-service.ts";

describe.each(["node", "bun"] as const)("a warm script in TypeScript on %s", (runtime) => {
  const data = tempDirForFile();
  let runner: ProcessStepRunner;
  beforeAll(async () => {
    runner = await openRunner(data);
  });
  afterAll(() => runner.close());

  const service = (files: Record<string, string>) => {
    const warm = warmService(runner, files);
    return (options: Parameters<typeof warm.run>[0] = {}) =>
      warm.run({ ...options, request: { runtime, ...options.request } });
  };

  it("runs in the process of the run before, with what its modules hold, and acts for its own run", async () => {
    const run = service({
      "main.ts": `import { context } from "@streamzero/fx";
import { store } from "./store.ts";
let n: number = 0;
n += 1;
store.runs += 1;
console.log(process.pid, n, store.runs);
await context.events.send("a.b", { run: context.params.get("run") });
await context.state.put("run", context.params.get("run"));
console.error(await context.secrets.get("key"));`,
      "store.ts": "export const store: { runs: number } = { runs: 0 };",
    });
    let pid: string | undefined;
    for (const n of [1, 2, 3]) {
      const { result, stdout, stderr, emitted, state } = run({
        params: { run: n },
        host: { getSecret: async () => `secret ${n}` },
      });
      expect([await result, stderr()]).toMatchObject([{ kind: "exited", exitCode: 0 }, `secret ${n}\n`]);
      expect(stdout()).toMatch(new RegExp(`^\\d+ 1 ${n}\n$`));
      pid ??= stdout().split(" ")[0];
      expect(stdout().split(" ")[0]).toBe(pid);
      expect([emitted, state]).toEqual([[expect.objectContaining({ data: { run: n } })], { run: n }]);
    }
  });

  it("has all of its output before its end, whoever wrote it", async () => {
    const run = service({
      "main.ts": `import { execFileSync } from "node:child_process";
console.log("own");
execFileSync("sh", ["-c", "printf last"], { stdio: "inherit" });`,
    });
    for (let n = 0; n < 10; n += 1) {
      const { result, stdout } = run();
      expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
      expect(stdout()).toBe("own\nlast");
    }
  });

  it("fails by an error or an exit code in its own process, and goes on in it", async () => {
    const run = service({
      "main.ts": `import { context } from "@streamzero/fx";
console.log(process.pid);
if (context.params.get("how") === "exit") process.exit(3);
if (context.params.get("how") === "throw") throw new Error("wrong");`,
    });
    const pids: string[] = [];
    const codes: unknown[] = [];
    for (const how of ["none", "exit", "throw", "none"]) {
      const { result, stdout, stderr } = run({ params: { how } });
      const ended = await result;
      codes.push(ended.kind === "exited" ? ended.exitCode : ended);
      pids.push(stdout());
      if (how === "throw") expect(stderr()).toMatch(/main\.ts:4[\s\S]*wrong|wrong[\s\S]*main\.ts:4/);
    }
    expect(codes).toEqual([0, 3, 1, 0]);
    expect(new Set(pids).size).toBe(1);
  });

  it("is ended with its run by the time, by a limit, and with what the run has left", async () => {
    const run = service({
      "main.ts": `import { context } from "@streamzero/fx";
import { spawn } from "node:child_process";
console.log(process.pid);
const how = context.params.get("how");
if (how === "late") await new Promise((resolve) => setTimeout(resolve, 60_000));
if (how === "burn") for (;;);
if (how === "leave") { const child = spawn("sleep", ["60"], { stdio: "ignore" }); child.unref(); }`,
    });
    const end = async (how: string, request = {}) => {
      const { result, stdout, logged } = run({ params: { how }, request });
      const ended = await result;
      return { ended, pid: Number(stdout()), told: logged.map(({ message }) => message).join() };
    };
    const first = await end("none");
    const late = await end("late", { timeoutMs: 2_000 });
    expect([late.ended, late.pid]).toMatchObject([{ kind: "timeout" }, first.pid]);
    const burnt = await end("burn", { limits: { ...noLimits, cpuSeconds: 1 } });
    expect(burnt.ended).toMatchObject({ kind: "overrun", limit: "cpuSeconds", value: 1 });
    const left = await end("leave");
    expect([left.ended, left.told]).toMatchObject([{ kind: "exited", exitCode: 0 }, /has left behind/]);
    expect(await Promise.all([first, late, burnt, left].map(({ pid }) => isAlive(pid)))).toEqual(Array(4).fill(false));
  });
});
