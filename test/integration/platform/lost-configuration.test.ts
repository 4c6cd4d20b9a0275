import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fx, fxJson, type RunningCli, startFx } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDir } from "../../support/temp-dir.ts";

const counter = `from fx_ef import context
context.state.put("seen", context.state.get().get("seen", 0) + 1)
print(context.config.get("greeting"), context.secrets.get("token"))
`;

async function start(directory: string): Promise<{ platform: RunningCli; url: string }> {
  const platform = startFx(["start", "--port", "0"], { directory });
  const url = await eventually(() => /http:\/\/127\.0\.0\.1:\d+/.exec(platform.out + platform.talk)?.[0]);
  return { platform, url };
}

async function stop(platform: RunningCli): Promise<string> {
  platform.process.kill("SIGTERM");
  return (await platform.result()).talk;
}

test("D11, S1: state survives the loss of the configuration store; that configuration and secrets are lost is said, and a wrong key refuses the start", async () => {
  const directory = tempDir();
  chmodSync(directory, 0o711);
  const data = join(directory, ".fx");
  const secret = "the-secret-of-the-counter";
  writeFileSync(join(directory, "value"), `${secret}\n`);
  const service = join(directory, "counter");
  const { mkdirSync } = await import("node:fs");
  mkdirSync(service);
  writeFileSync(join(service, "main.py"), counter);

  const first = await start(directory);
  const token = readFileSync(join(data, "token"), "utf8").trim();
  const at = { url: first.url, token, directory };
  expect(await fx(["deploy", "counter"], at)).toMatchObject({ code: 0 });
  expect(await fx(["config", "set", "project:default", "greeting", "hello"], at)).toMatchObject({ code: 0 });
  const set = await fx(["secrets", "set", "service:default/counter", "token"], { ...at, input: `${secret}\n` });
  expect(set).toMatchObject({ code: 0, out: "set token of service:default/counter, version 1\n" });
  expect(await fx(["run", "counter", "--wait"], at)).toMatchObject({ code: 0 });
  expect((await fx(["logs", "counter"], at)).out + (await fx(["executions"], at)).out).not.toContain(secret);
  expect(await fxJson(["state", "get", "counter"], at)).toEqual([{ key: "seen", value: 1, version: 1 }]);
  const firstLog = await stop(first.platform);

  for (const suffix of ["", "-wal", "-shm"]) rmSync(join(data, `config.db${suffix}`), { force: true });
  const doctor = await fx(["doctor"], { directory });
  expect(doctor.out).toMatch(/warn\s+configuration\b.*\n.*fx config set/);
  const second = await start(directory);
  const again = { ...at, url: second.url };
  expect(await fxJson(["state", "get", "counter"], again)).toEqual([{ key: "seen", value: 1, version: 1 }]);
  expect(await fxJson(["secrets", "list", "service:default/counter"], again)).toEqual([]);
  expect(await fx(["state", "put", "counter", "seen", "41", "--if-version", "1"], again)).toMatchObject({ code: 0 });
  expect(await fx(["run", "counter", "--wait"], again)).toMatchObject({ code: 0 });
  expect(await fxJson(["state", "get", "counter"], again)).toEqual([{ key: "seen", value: 42, version: 3 }]);
  const secondLog = await stop(second.platform);
  expect(secondLog).toMatch(/configuration and secrets are gone and must be set again/);
  expect(firstLog + secondLog).not.toContain(secret);

  const key = readFileSync(join(data, "secrets.key"));
  writeFileSync(join(data, "secrets.key"), `${randomBytes(32).toString("base64")}\n`);
  const refused = await fx(["start", "--port", "0"], { directory });
  expect(refused.code).not.toBe(0);
  expect(refused.talk).toContain("another key");
  rmSync(join(data, "secrets.key"));
  const missing = await fx(["start", "--port", "0"], { directory });
  expect(missing.talk).toContain("secrets.key");
  expect(missing.code).not.toBe(0);
  writeFileSync(join(data, "secrets.key"), key, { mode: 0o600 });
  await stop((await start(directory)).platform);
});
