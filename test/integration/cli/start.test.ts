import { existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { fx, fxJson, type RunningCli, startFx } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { writeFiles } from "../../support/service-directory.ts";
import { tempDir } from "../../support/temp-dir.ts";

async function readyUrl(running: RunningCli): Promise<string> {
  return eventually(
    () => {
      if (running.process.exitCode !== null) throw new Error(running.talk);
      return /^FX is ready at (\S+)\n$/.exec(running.out)?.[1];
    },
    { withinMs: 20_000 },
  );
}

test("start prints one line when it can take events; the CLI in the same directory finds address and token by itself; SIGTERM drains", async () => {
  const directory = tempDir();
  const platform = startFx(["start", "--port", "0", "--log-level", "warn"], { directory });
  const url = await readyUrl(platform);
  expect(statSync(join(directory, ".fx/token")).mode & 0o777).toBe(0o600);
  expect(await fx(["projects"], { directory })).toMatchObject({ code: 0, out: expect.stringContaining("default") });
  platform.process.kill("SIGTERM");
  expect(await platform.result()).toMatchObject({ code: 0, out: `FX is ready at ${url}\n` });
  expect(existsSync(join(directory, ".fx/address"))).toBe(false);
});

test("an ephemeral platform leaves nothing behind", async () => {
  const platform = startFx(["start", "--port", "0", "--ephemeral"], { directory: tempDir() });
  await readyUrl(platform);
  const directory = await eventually(() => /data directory.* is (\S+)/.exec(platform.talk)?.[1]);
  expect(existsSync(join(directory, "token"))).toBe(true);
  platform.process.kill("SIGINT");
  expect((await platform.result()).code).toBe(0);
  expect(existsSync(directory)).toBe(false);
});

test("a busy port says who holds it, and which command takes another", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await eventually(() => server.listening);
  const { port } = server.address() as AddressInfo;
  const { code, talk } = await fx(["start", "--port", String(port)], { directory: tempDir() });
  expect(code).toBe(1);
  expect(talk).toContain(`port ${port} of 127.0.0.1 is taken`);
  expect(talk).toContain(`process ${process.pid} listens there`);
  expect(talk).toContain(`fx start --port ${port + 1}`);
});

test("D20: a second platform on the same data directory is refused, and told which process has it", async () => {
  const directory = tempDir();
  const first = startFx(["start", "--port", "0"], { directory });
  await readyUrl(first);
  const { code, talk } = await fx(["start", "--port", "0"], { directory });
  expect(code).toBe(1);
  expect(talk).toContain(`in use by process ${first.process.pid}`);
});

test.skipIf(process.platform !== "linux")(
  "a directory that can never be made is refused at once, whichever setting names it",
  async () => {
    const dataDir = await fx(["start", "--port", "0", "--data-dir", "/proc/foo/bar"], { directory: tempDir() });
    expect(dataDir).toMatchObject({ code: 2, out: "", talk: expect.stringContaining("'/proc' takes no directories") });
    const words = ["start", "--port", "0", "--executor-run-root", "/proc/foo/bar"];
    const runs = await fx(words, { directory: tempDir() });
    expect(runs).toMatchObject({ code: 2, out: "", talk: expect.stringContaining("'/proc' takes no directories") });
    const made = await fx(["init", "/proc/foo/bar"], { directory: tempDir() });
    expect(made).toMatchObject({ code: 2, talk: expect.stringContaining("'/proc' takes no directories") });
  },
);

test("an unknown setting is refused with the one that was meant", async () => {
  const { code, talk } = await fx(["start", "--executor-slot", "3"], { directory: tempDir() });
  expect(code).toBe(2);
  expect(talk).toContain("did you mean --executor-slots?");
});

test("Ctrl-C lets running scripts end, and a second one ends at once", async () => {
  const directory = writeFiles(tempDir(), {
    "sleeper/main.py": "import time\nprint('begun', flush=True)\ntime.sleep(60)",
  });
  const platform = startFx(["start", "--port", "0"], { directory });
  const url = await readyUrl(platform);
  await fx(["deploy", "sleeper", "--url", url], { directory });
  const { executionId } = await fxJson<{ executionId: string }>(["run", "sleeper", "--url", url], { directory });
  const logs = startFx(["logs", executionId, "--follow", "--url", url], { directory });
  await eventually(() => logs.out.includes("begun"));
  platform.process.kill("SIGINT");
  await eventually(() => platform.talk.includes("finishing what runs"));
  expect(platform.process.exitCode).toBe(null);
  platform.process.kill("SIGINT");
  expect((await platform.result()).code).toBe(130);
});
