import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchedTools } from "../../../src/executor/launcher/launched-tools.ts";
import type { LauncherClient } from "../../../src/executor/launcher/launcher-client.ts";
import { runTool } from "../../../src/executor/runtimes/run-tool.ts";
import { noLimits } from "../../../src/services/run-limits.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { isAlive, startLauncher } from "./script-runs.ts";

describe("a tool that the launcher runs", () => {
  const directory = tempDirForFile();
  let launcher: LauncherClient;

  beforeAll(async () => {
    launcher = await startLauncher();
  });
  afterAll(() => launcher?.close());

  const shell = (script: string, input?: string, limits?: { timeoutMs?: number; signal?: AbortSignal }) =>
    launchedTools(launcher)("/bin/sh", ["-c", script], input, { PATH: "/usr/bin:/bin", ONLY: "this" }, limits);

  it("is a child of the launcher, not of this process", async () => {
    expect(await shell("echo $PPID")).toBe(`${launcher.pid}\n`);
  });

  it("is given its input whole, and nothing of this process's environment", async () => {
    const input = "häuser\n".repeat(900_000);
    expect(await shell("cat", input)).toBe(input);
    expect(await shell("true", input)).toBe("");
    expect((await shell("env")).split("\n").map((line) => line.split("=")[0])).not.toContain("HOME");
    expect(await shell("echo $ONLY")).toBe("this\n");
  });

  it("that fails, or cannot be started, says why", async () => {
    await expect(shell("echo wrong >&2; exit 3")).rejects.toMatchObject({
      code: "unavailable",
      message: "'/bin/sh' failed: exit code 3 wrong",
    });
    await expect(shell("kill -9 $$")).rejects.toThrow("'/bin/sh' failed: SIGKILL");
    await expect(launchedTools(launcher)("/bin/absent", [])).rejects.toThrow(/absent.*ENOENT/);
  });

  it("is ended with all that it started, when it takes too long and when nobody needs it any more", async () => {
    const started = join(directory, "started");
    const sleeper = `sleep 600 & echo $! > ${started}; wait`;
    const startedPid = () => Number(readFileSync(started, "utf8")) || undefined;
    // Again, with more time, where it took so long that it had started nothing.
    let timeoutMs = 250;
    const late = await eventually(async () => {
      timeoutMs *= 2;
      await expect(shell(sleeper, "", { timeoutMs })).rejects.toThrow(`it has not ended within ${timeoutMs / 1000} s`);
      return startedPid();
    });
    expect(await isAlive(late)).toBe(false);
    rmSync(started);

    const controller = new AbortController();
    const needless = shell(sleeper, "", { signal: controller.signal });
    const pid = await eventually(startedPid);
    controller.abort();
    await expect(needless).rejects.toThrow("it is not needed any more");
    expect(await isAlive(pid)).toBe(false);
    await expect(shell("echo late", "", { signal: controller.signal })).rejects.toThrow("it is not needed any more");
  });

  it("leaves nothing behind, not even what left its process group", async () => {
    const pid = Number(await shell("setsid sleep 600 >/dev/null 2>&1 & echo $!"));
    expect(await isAlive(pid)).toBe(false);
  });

  it("has no line to the launcher, as scripts have for the order of their output, and is started in the root directory", async () => {
    const others = (await shell("exec ls -l /proc/self/fd")).split("\n").filter((line) => !/ [012] -> /.test(line));
    expect(others.join("\n")).not.toContain("socket:");
    expect(await shell("pwd")).toBe("/\n");
  });

  it("has nothing that whoever started the platform had open", async () => {
    const start = "import os, sys; os.dup2(0, 200, inheritable=True); os.execv(sys.argv[1], sys.argv[1:])";
    const from = (path: string) => JSON.stringify(new URL(`../../../src/${path}`, import.meta.url).href);
    const program = `const { LauncherClient } = await import(${from("executor/launcher/launcher-client.ts")});
const { launchedTools } = await import(${from("executor/launcher/launched-tools.ts")});
const { systemClock } = await import(${from("foundation/clock.ts")});
const { silentLog } = await import(${from("foundation/log.ts")});
const launcher = new LauncherClient({ clock: systemClock, log: silentLog });
console.log(await launchedTools(launcher)("/bin/ls", ["-x", "/proc/self/fd"]));
await launcher.close();`;
    const node = [process.execPath, "--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program];
    expect((await runTool("python3", ["-c", start, ...node])).trim()).toBe("0  1  2  3");
  });

  it("waits for a launcher that died, which is started again", async () => {
    const other = await startLauncher();
    const first = other.pid as number;
    process.kill(first, "SIGKILL");
    await eventually(() => other.pid !== first);
    expect(await launchedTools(other)("/bin/echo", ["there"])).toBe("there\n");
    await other.close();
  });

  it("fails plainly when the launcher is gone", async () => {
    const other = await startLauncher();
    const running = launchedTools(other)("/bin/sleep", ["600"]);
    await other.close();
    await expect(running).rejects.toMatchObject({ code: "unavailable" });
    await expect(launchedTools(other)("/bin/true", [])).rejects.toMatchObject({ code: "unavailable" });
  });
});

it("a script that asks on and on for the order of its output, and takes no answer, does not make the launcher grow", async () => {
  const launcher = await startLauncher();
  const script = "exec head -c 1000000000 /dev/zero >&3";
  const request = { command: "/bin/sh", args: ["-c", script], cwd: "/", env: { PATH: "/usr/bin:/bin" } };
  const unlimited = { limits: noLimits, setAsideBytes: 0, outputCapBytes: 1_000, ttlMs: 60_000, user: undefined };
  const end = await new Promise((ended) => {
    launcher.start({ ...request, ...unlimited }, { started() {}, output() {}, ended });
  });
  expect(end).toMatchObject({ kind: "exited", code: 0 });
  const [, peakKib] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${launcher.pid}/status`, "utf8")) ?? [];
  expect(Number(peakKib)).toBeLessThan(300 * 1024);
  await launcher.close();
});
