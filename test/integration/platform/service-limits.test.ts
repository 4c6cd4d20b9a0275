import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

/** Executors look by themselves so seldom that a test would not live to see it: what runs here was woken. */
const seldomMs = 600_000;

async function startedPlatform(): Promise<TestPlatform> {
  const platform = await TestPlatform.start({ executorSlots: 4, executorPollMs: seldomMs });
  onTestFinished(() => platform.stop());
  return platform;
}

const service = (manifest: object, script = "pass\n") => ({
  "manifest.json": JSON.stringify({ trigger_events: ["go"], ...manifest }),
  "main.py": script,
});
const events = (count: number) => Array.from({ length: count }, (_, n) => ({ id: `${n}`, type: "go" }));

test("D4: with a throttle runs start as the limit lets them, each woken when its window opens, and none is lost", async () => {
  const platform = await startedPlatform();
  await platform.deploy("slow", service({ throttle: { limit: 2, period: 0.4 } }));
  await platform.send(...events(5));
  const ended = await platform.settled(5);
  expect(ended.map(({ status }) => status)).toEqual(Array(5).fill("completed"));
  const starts = ended.map(({ startedAt }) => Date.parse(startedAt ?? "")).sort((a, b) => a - b);
  const within = starts.map((start) => starts.filter((other) => other >= start && other < start + 400).length);
  expect(Math.max(...within)).toBeLessThanOrEqual(2);
});

test("D4: with concurrency no two runs overlap, and the end of one starts the next, although four slots are free", async () => {
  const platform = await startedPlatform();
  await platform.deploy("single", service({ concurrency: 1 }));
  await platform.send(...events(6));
  const ended = await platform.settled(6);
  expect(ended.map(({ status }) => status)).toEqual(Array(6).fill("completed"));
  const spans = ended.map(({ startedAt, finishedAt }) => [Date.parse(startedAt ?? ""), Date.parse(finishedAt ?? "")]);
  spans.sort(([a = 0], [b = 0]) => a - b);
  for (const [n, [begin = 0]] of spans.entries()) expect(begin).toBeGreaterThanOrEqual(spans[n - 1]?.[1] ?? 0);
});

test("D1: what a full queue refuses is told by an event, which can start a service", async () => {
  const platform = await startedPlatform();
  await platform.deploy("watch", {
    "manifest.json": JSON.stringify({ trigger_events: ["fx.execution.skipped"] }),
    "main.py": "from fx_ef import context\nprint(context.event['data']['reason'])\n",
  });
  await platform.deploy("busy", service({ concurrency: 1, queue: { limit: 1 } }, "import time\ntime.sleep(600)\n"));
  await platform.send({ id: "first", type: "go" });
  await eventually(async () => expect(await platform.executions("&status=in_progress")).toHaveLength(1));
  await platform.send({ id: "second", type: "go" }, { id: "third", type: "go" });
  const [told] = await eventually(async () => {
    const found = await platform.executions("&service=watch&status=completed");
    expect(found).toHaveLength(1);
    return found;
  });
  expect(await platform.outputs(told?.id ?? "")).toEqual([expect.stringContaining("queue of default/busy was full")]);
  for (const { id } of await platform.executions("&status=in_progress,pending")) {
    await platform.request("POST", `/api/v1/executions/${id}/cancel`);
  }
});
