import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fx, fxJson, root } from "../support/cli.ts";
import { type ExecutionJson, TestPlatform, testToken } from "../support/platform.ts";

let platform: TestPlatform;
let demo: { code: number | null; out: string };

interface EventRow {
  event: { type: string; data: { markdown?: string } & Record<string, unknown> };
}

beforeAll(async () => {
  platform = await TestPlatform.start();
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("FX_") && name !== "FORCE_COLOR");
  const child = spawn(process.execPath, [join(root, "examples/demo.ts"), "--url", platform.url], {
    env: { ...Object.fromEntries(inherited), FX_TOKEN: testToken },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  demo = { code, out };
}, 240_000);
afterAll(() => platform.stop());

async function runsOf(service: string): Promise<ExecutionJson[]> {
  return platform.executions(`&service=default/${service}`);
}

async function eventsOf(type: string): Promise<EventRow[]> {
  return fxJson<EventRow[]>(["events", "--type", type, "--limit", "1000"], platform);
}

test("the demo ends with 0, and says that everything completed", () => {
  expect(demo).toMatchObject({ code: 0, out: expect.stringMatching(/Everything completed\.\n$/) });
});

test("no example leaves a run that did not complete", async () => {
  const runs = await platform.executions();
  expect(runs.filter(({ status }) => status !== "completed")).toEqual([]);
  expect(runs).toHaveLength(2 + 2 + 145);
});

test("hello: one event starts both services", () => {
  expect(demo.out).toContain("Hello Ada, this is hello-python.");
  expect(demo.out).toContain("Hello Ada, this is hello-typescript.");
});

test("chain: the order is priced in Python and confirmed in TypeScript", async () => {
  expect(demo.out).toContain("Dear customer, your order 7 comes to 29.00.");
  expect(await eventsOf("order.confirmed")).toMatchObject([{ event: { data: { order: 7, total_cents: 2900 } } }]);
});

test("weather: every row is accounted for, and exactly one summary carries the report", async () => {
  const summaries = await eventsOf("weather.summary");
  expect(summaries).toMatchObject([{ event: { data: { months: 48, days: 1417, rejected: 44 } } }]);
  expect(await eventsOf("weather.row_rejected")).toHaveLength(44);
  const found = await eventsOf("weather.anomaly_found");
  expect(summaries[0]?.event.data.anomalies).toBe(found.length);
  const markdown = summaries[0]?.event.data.markdown ?? "";
  expect(markdown).toMatch(/^# Weather in Seattle\n/);
  expect(markdown.match(/^20\d\d-\d\d +-?\d+\.\d °C █/gm)).toHaveLength(48);
  expect(demo.out).toContain(markdown);
});

test("weather: the months are collected one after the other, so that none is lost", async () => {
  const runs = await runsOf("weather-report");
  const printed = await Promise.all(runs.map(({ id }) => platform.outputs(id)));
  const parts = printed.map(([output]) => Number(/part (\d+) of 48/.exec(output ?? "")?.[1]));
  expect(parts.sort((left, right) => left - right)).toEqual(Array.from({ length: 48 }, (_, n) => n + 1));
});

test("the chain's own failure is as examples/README.md tells it", async () => {
  const sent = await fx(["send", "order.placed", "--data", '{"order": 8, "items": {"gold": 1}}', "--wait"], platform);
  expect(sent).toMatchObject({ code: 5, out: expect.stringContaining("failed") });
  const rows = await fxJson<{ attempt: number }[]>(["executions", "--status", "failed"], platform);
  expect(rows).toMatchObject([{ attempt: 3 }]);
});

test("ledger: SQL keeps what was booked, whatever it is called, and the shell passes it on", async () => {
  await fx(["deploy", join(root, "examples/ledger")], platform);
  const account = "'; drop table bookings; --";
  for (const cents of [250, 100]) {
    await fx(["send", "ledger.booked", "--data", JSON.stringify({ account, cents }), "--wait"], platform);
  }
  const [run] = await runsOf("keep-ledger");
  expect(run).toMatchObject({ status: "completed" });
  const balanced = await eventsOf("ledger.balanced");
  const told = balanced.map(({ event }) => event.data.balances);
  expect(told).toHaveLength(2);
  expect(told).toContainEqual([{ account, cents: 350 }]);
});
