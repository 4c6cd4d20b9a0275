import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { startPlatform } from "../../../src/platform/start.ts";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform, testToken } from "../../support/platform.ts";
import { tempDir } from "../../support/temp-dir.ts";

async function startedPlatform(settings: Record<string, string | number> = {}): Promise<TestPlatform> {
  const platform = await TestPlatform.start(settings);
  onTestFinished(() => platform.stop());
  return platform;
}

const sleeper = {
  "manifest.json": JSON.stringify({ entrypoint: "main.py", trigger_events: ["sleep"] }),
  "main.py": "import time\nprint('begun', flush=True)\ntime.sleep(600)\n",
};

describe("the platform", () => {
  test("D20: refuses a data directory that another one holds, and says which process", async () => {
    const platform = await startedPlatform();
    const flags = { port: 0, dataDir: path.join(platform.directory, "data"), logLevel: "silent" };
    await expect(
      startPlatform({ flags, environment: { FX_TOKEN: testToken }, directory: platform.directory }),
    ).rejects.toThrow(new RegExp(`in use by process ${process.pid}`));
    // The one that holds it is unharmed.
    expect((await platform.request("GET", "/readyz")).status).toBe(200);
  });

  test("leaves nothing behind when its port is taken", async () => {
    const platform = await startedPlatform();
    const directory = tempDir();
    const flags = { port: new URL(platform.url).port, dataDir: path.join(directory, "data"), logLevel: "silent" };
    await expect(startPlatform({ flags, environment: { FX_TOKEN: testToken }, directory })).rejects.toMatchObject({
      code: "conflict",
    });
    // The lock is free again: the same directory can be started on another port.
    const second = await startPlatform({
      flags: { ...flags, port: 0 },
      environment: { FX_TOKEN: testToken },
      directory,
    });
    await second.close();
  });

  test("goes on after a restart where it left off: a run that was stopped counts as lost and runs again", async () => {
    const platform = await startedPlatform({ drainMs: 50, executorKillGraceMs: 100 });
    await platform.deploy("sleeper", sleeper);
    const [key = ""] = await platform.send({ id: "1", type: "sleep" });
    const { links } = await platform.event(key);
    const id = links[0]?.executionId ?? "";
    await eventually(async () => expect((await platform.execution(id)).status).toBe("in_progress"));
    await platform.restart({ drainMs: 50, executorKillGraceMs: 100 });
    await eventually(async () =>
      expect(await platform.execution(id)).toMatchObject({ status: "in_progress", attempt: 2, losses: 1 }),
    );
    await platform.request("POST", `/api/v1/executions/${id}/cancel`);
    await eventually(async () => expect((await platform.execution(id)).status).toBe("cancelled"));
  });

  test("D7: work that must not be repeated fails visibly when it was lost", async () => {
    const platform = await startedPlatform({ drainMs: 50, executorKillGraceMs: 100 });
    const manifest = JSON.stringify({ entrypoint: "main.py", trigger_events: ["sleep"], on_lost: "fail" });
    await platform.deploy("sleeper", { ...sleeper, "manifest.json": manifest });
    const [key = ""] = await platform.send({ id: "1", type: "sleep" });
    const id = (await platform.event(key)).links[0]?.executionId ?? "";
    await eventually(async () => expect((await platform.execution(id)).status).toBe("in_progress"));
    await platform.restart({ drainMs: 50 });
    await eventually(async () =>
      expect(await platform.execution(id)).toMatchObject({ status: "failed", error: { kind: "lost" } }),
    );
  });

  test("lets a running script end by itself while it drains", async () => {
    const platform = await startedPlatform({ drainMs: 20_000 });
    await platform.deploy("brief", {
      "manifest.json": JSON.stringify({ entrypoint: "main.py", trigger_events: ["brief"] }),
      "main.py": "import time\nprint('begun', flush=True)\ntime.sleep(0.5)\nprint('done')\n",
    });
    const [key = ""] = await platform.send({ id: "1", type: "brief" });
    const id = (await platform.event(key)).links[0]?.executionId ?? "";
    await eventually(async () => expect((await platform.execution(id)).status).toBe("in_progress"));
    await platform.restart();
    expect(await platform.execution(id)).toMatchObject({ status: "completed", attempt: 1 });
  });

  test("S3: keeps everything in its data directory from other users", async () => {
    const platform = await startedPlatform();
    const data = path.join(platform.directory, "data");
    const open = readdirSync(data).filter(
      (name) => name !== "run" && (statSync(path.join(data, name)).mode & 0o077) !== 0,
    );
    expect(open).toEqual([]);
    expect(existsSync(path.join(data, "catalog.db"))).toBe(true);
  });
});
