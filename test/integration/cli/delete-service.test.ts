import { afterAll, beforeAll, expect, test } from "vitest";
import { fx, fxJson } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start({ "executor-slots": 1, "executor-relief-slots": 0 });
});
afterAll(() => platform.stop());

interface Sent {
  key: string;
}

test("a service that runs is deleted only by force, what goes is counted, and its runs tell why they were cancelled", async () => {
  await platform.deploy("slow", {
    "main.py": "import time\ntime.sleep(600)",
    "manifest.json": '{"trigger_events": ["slow.asked"]}',
  });
  const keys = [];
  for (let n = 0; n < 2; n += 1) keys.push((await fxJson<Sent>(["send", "slow.asked"], platform)).key);
  const runs = () => fxJson<{ id: string; status: string }[]>(["executions", "--service", "default/slow"], platform);
  await eventually(async () => {
    expect((await runs()).map(({ status }) => status).sort()).toEqual(["in_progress", "pending"]);
    return true;
  });
  await fx(["state", "put", "slow", "seen", "1"], platform);
  await fx(["config", "set", "service:default/slow", "limit", "5"], platform);

  const refused = await fx(["services", "delete", "slow"], platform);
  expect(refused.code).toBe(1);
  expect(refused.talk).toContain("2 of its executions have not ended (1 running, 1 waiting)");
  expect(refused.talk).toContain("--force");
  expect((await runs()).map(({ status }) => status)).not.toContain("cancelled");

  const deleted = await fx(["services", "delete", "slow", "--force"], platform);
  expect(deleted).toMatchObject({
    code: 0,
    out: "deleted default/slow with 1 version, 1 link, 1 key of state, 1 value of configuration, 0 secrets; 2 executions cancelled\n",
  });
  await eventually(async () => (await runs()).every(({ status }) => status === "cancelled"));
  for (const { id } of await runs()) {
    expect((await fx(["show", id], platform)).out).toMatch(/reason +its service was deleted/);
  }
  for (const key of keys) {
    expect((await fx(["why", key], platform)).out).toMatch(/cancelled.*: its service was deleted/);
  }
});
