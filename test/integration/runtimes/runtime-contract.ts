import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import type { ProgramName, Programs } from "./programs.ts";
import {
  capBytes,
  isAlive,
  openRunner,
  processesIn,
  runScript,
  runScriptAhead,
  type ScriptOptions,
  type ScriptRun,
} from "./script-runs.ts";

/** What every language keeps to. */
export function runtimeContract(
  language: string,
  programs: Programs,
  start: "when it is needed" | "ahead" | "anew" | "in a sandbox" = "when it is needed",
): void {
  describe(`a script in ${language}`, () => {
    const data = tempDirForFile();
    let runner: ProcessStepRunner;
    beforeAll(async () => {
      runner = await openRunner(data, start === "anew" ? "off" : "auto", "auto", start === "in a sandbox" ? 0 : 4);
    });
    afterAll(() => runner.close());

    async function run(name: ProgramName, options: ScriptOptions = {}): Promise<ScriptRun> {
      const script = `${name}${programs.extension}`;
      const level = start === "in a sandbox" ? { isolation: { level: "sandbox" as const, network: false } } : {};
      const request = { runtime: programs.runtime, ...level, ...options.request };
      const files = { ...programs.files, [script]: programs.source(name) };
      return (start === "ahead" ? runScriptAhead : runScript)(runner, files, script, { ...options, request });
    }

    /** One that does not end by itself, to its end; again, with twice the time, where that was over before it had started its child. */
    async function runUntilLate(limit: (ms: number) => NonNullable<ScriptOptions["request"]>) {
      for (let ms = 2_000; ; ms *= 2) {
        const script = await run("sleepWithChild", { request: limit(ms) });
        const result = await script.result;
        const child = Number(/child (\d+)/.exec(script.stdout())?.[1]);
        if (child || ms > 10_000) return { script, result, child, ms };
      }
    }

    /** Whether a process of the run lives; `child` is one by the script's own word, which says nothing of one in a sandbox. */
    async function isLeft(script: ScriptRun, child: number): Promise<boolean> {
      return start === "in a sandbox" ? processesIn(script.directory).length > 0 : isAlive(child);
    }

    it("gets its parameters as the first argument and ends with its own exit code", async () => {
      const { result, stdout } = await run("parameters", { params: { city: "Zürich", n: 1 } });
      expect(await result).toMatchObject({ kind: "exited", exitCode: 7, truncated: false });
      const [argument, city] = stdout().split("\n");
      expect(JSON.parse(argument ?? "")).toEqual({
        city: "Zürich",
        n: 1,
        service_name: "orders",
        package_name: "orders",
      });
      expect(city).toBe("Zürich");
    });

    it("has its stdout and stderr kept apart and in order", async () => {
      const { result, both, stderr } = await run("alternate");
      expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
      const expected = Array.from({ length: 40 }, (_, n) => `out ${n}\nerr ${n}\n`).join("");
      if (programs.unordered) expect(both().split("\n").sort()).toEqual(expected.split("\n").sort());
      else expect(both()).toBe(expected);
      expect(stderr()).toBe(expected.replaceAll(/^out.*\n/gm, ""));
    });

    it("is heard while it runs", async () => {
      const script = await run("waitForFile");
      await script.waitFor(/^(first)\n/);
      expect(script.stdout()).toBe("first\n");
      writeFileSync(join(script.directory, "go"), "");
      expect(await script.result).toMatchObject({ kind: "exited", exitCode: 0 });
      expect(script.stdout()).toBe("first\nsecond\n");
    });

    it("ends with 1 and its own lines on stderr after an unhandled error", async () => {
      const { result, stderr } = await run("fail");
      expect(await result).toMatchObject({ kind: "exited", exitCode: 1 });
      expect(stderr()).toContain("no such luck");
      expect(stderr()).toContain(`fail${programs.extension}`);
      expect(stderr()).not.toContain("bootstrap");
    });

    it("that runs out of time is killed with its whole group", async () => {
      const { script, result, child, ms } = await runUntilLate((timeoutMs) => ({ timeoutMs }));
      expect(result).toMatchObject({ kind: "timeout", timeoutMs: ms });
      expect(await isLeft(script, child)).toBe(false);
    });

    it("that is cancelled ends with its whole group", async () => {
      const script = await run("sleepWithChild");
      const child = Number(await script.waitFor(/child (\d+)/));
      script.step.stop("cancelled", 2_000);
      expect(await script.result).toMatchObject({ kind: "stopped", reason: "cancelled" });
      expect(await isLeft(script, child)).toBe(false);
    });

    it("D8: that is not kept alive is killed by the launcher", async () => {
      const { script, result, child } = await runUntilLate((ttlMs) => ({ ttlMs }));
      expect(result).toMatchObject({ kind: "stopped", reason: "lease-lost" });
      expect(await isLeft(script, child)).toBe(false);
    });

    it("D8: outlives its first time to live when it is kept alive", async () => {
      const script = await run("waitForFile", { request: { ttlMs: 1_500 } });
      script.step.keepAlive(20_000);
      await script.waitFor(/^(first)\n/);
      const startedAt = performance.now();
      await eventually(() => performance.now() - startedAt > 1_600);
      writeFileSync(join(script.directory, "go"), "");
      expect(await script.result).toMatchObject({ kind: "exited", exitCode: 0 });
    });

    it("that prints past the cap goes on, its output cut visibly", async () => {
      const { result, stdout, stderr, emitted } = await run("flood", { params: { kib: 11 * 1024 } });
      expect(await result).toEqual({ kind: "exited", exitCode: 0, outputBytes: capBytes, truncated: true });
      expect(stdout()).toHaveLength(capBytes);
      expect(stderr()).toContain("cut here");
      expect(emitted).toHaveLength(1);
    });

    it("may print what is not UTF-8", async () => {
      const { result, bytes } = await run("bytes");
      await result;
      expect([...bytes()]).toEqual([0xff, 0xfe, 0x00, 0x6f, 0x6b, 0x80]);
    });

    it("may close its output and go on", async () => {
      const { result, emitted } = await run("closeOutput");
      expect(await result).toMatchObject({ kind: "exited", exitCode: 3 });
      expect(emitted).toEqual([{ type: "still.here", data: 1 }]);
    });

    it("leaves no process behind, not even one in a session of its own that holds its output", async () => {
      const script = await run("leaveDaemon");
      expect(await script.result).toMatchObject({ kind: "exited", exitCode: 0 });
      expect(await isLeft(script, Number(/child (\d+)/.exec(script.stdout())?.[1]))).toBe(false);
    });

    it("S2: takes and emits an event of 1 MiB", async () => {
      const text = "é".repeat(600_000);
      const { result, stdout, emitted } = await run("big", { params: { text, pad: "x".repeat(500_000) } });
      expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
      expect(stdout()).toBe("True 600000\n");
      expect(emitted).toEqual([{ type: "big", data: { text } }]);
    });

    it("is told when a value is too large to send", async () => {
      const { result, stdout, emitted } = await run("tooBig");
      expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
      expect(stdout()).toBe("caught limit-exceeded\n");
      expect(emitted).toEqual([]);
    });

    it("cannot kill the launcher that started it", async () => {
      const { result, stdout } = await run("killParent");
      expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
      expect(stdout()).toBe("refused\n");
    });

    it("gets the id of an event that it emits", async () => {
      const { result, stdout, emitted } = await run("emit");
      await result;
      expect(stdout()).toBe("id derived-1\n");
      expect(emitted).toEqual([{ type: "order.placed", data: { n: 1 }, subject: "s" }]);
    });

    it("can catch the refusal of an event, and it alone suffers from it", async () => {
      const emit = () => Promise.reject(new PlatformError("forbidden", "'fx.x' is a reserved type"));
      const caught = await run("emitCaught", { params: { type: "fx.x" }, host: { emit } });
      expect(await caught.result).toMatchObject({ kind: "exited", exitCode: 0 });
      expect(caught.stdout()).toBe("caught forbidden 'fx.x' is a reserved type\n");
      const uncaught = await run("emit", { host: { emit } });
      expect(await uncaught.result).toMatchObject({ kind: "exited", exitCode: 1 });
      expect(uncaught.stderr()).toContain("'fx.x' is a reserved type");
    });

    it("D9: does not count as done when the platform could not keep an event", async () => {
      const emit = () => Promise.reject(new PlatformError("unavailable", "the disk is full"));
      const { result, stdout } = await run("emitCaught", { params: { type: "a.b" }, host: { emit } });
      expect(await result).toEqual({ kind: "lost", message: expect.stringContaining("the disk is full") });
      expect(stdout()).toContain("caught unavailable");
    });

    it("reads and stores its service's state", async () => {
      const { result, stdout, state } = await run("state");
      expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
      expect(stdout()).toBe('before None\nafter {"deep":[1,null]}\n');
      expect(state).toEqual({ n: { deep: [1, null] } });
    });

    it("S1: sees neither the platform's environment nor its own nonce there", async () => {
      process.env.FX_TEST_TOKEN = "platform-token";
      const { result, stdout } = await run("environment");
      await result;
      delete process.env.FX_TEST_TOKEN;
      const seen = Object.keys(JSON.parse(stdout())).filter((name) => name !== "LC_CTYPE" && name !== "PWD");
      expect(seen.sort()).toEqual(
        [
          "FX_EXECUTION_ID",
          "FX_LAUNCH",
          "FX_SCRATCH",
          "HOME",
          "LANG",
          "PATH",
          "TMPDIR",
          ...(programs.variables ?? []),
        ].sort(),
      );
    });

    it("S2: cannot use its nonce, nor a guess, for a second connection", async () => {
      const { result, stdout } = await run("dialAgain");
      expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
      expect(stdout()).toBe("answers 0 0\n");
    });

    it("S3: cannot read the platform's files nor the environment of another run", async () => {
      const token = join(data, "token");
      writeFileSync(token, "secret", { mode: 0o600 });
      const other = await run("sleepWithChild", { request: { slot: 1 } });
      const own = await other.waitFor(/self (\d+)/);
      const self = start === "in a sandbox" ? processesIn(other.directory)[0] : own;
      const paths = [
        token,
        `/proc/${self}/environ`,
        `/proc/${process.pid}/environ`,
        `/proc/${runner.launcher.pid}/environ`,
      ];
      const { result, stdout } = await run("readFiles", { params: { paths } });
      expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
      expect(stdout()).toBe(paths.map((path) => `denied ${path}\n`).join(""));
      other.step.stop("cancelled", 0);
      await other.result;
    });

    it("S3: writes to its scratch directory and not to its service", async () => {
      const { result, stdout } = await run("writeFiles");
      await result;
      expect(stdout()).toBe("wrote\ndenied\n");
    });
  });
}
