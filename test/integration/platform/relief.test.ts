import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

const slots = 2;

/** Executors look by themselves so seldom that a test would not live to see it: what runs here was woken. */
async function startedPlatform(): Promise<TestPlatform> {
  const platform = await TestPlatform.start({ executorSlots: slots, executorPollMs: 600_000 });
  onTestFinished(async () => {
    await Promise.all(
      ["flood", "b", "c"].map((name) => platform.request("DELETE", `/api/v1/services/default/${name}?force=true`)),
    );
    await platform.settled(1);
    await platform.stop();
  });
  return platform;
}

/** Runs until it is cancelled, unless its event says that it need not. */
const script = "import time\nfrom fx_ef import get_param\n\nif get_param('stays'):\n    time.sleep(600)\n";

const deploy = (platform: TestPlatform, ...names: string[]) =>
  Promise.all(
    names.map((name) =>
      platform.deploy(name, { "manifest.json": JSON.stringify({ trigger_events: [name] }), "main.py": script }),
    ),
  );

const events = (type: string, count: number, stays: boolean) =>
  Array.from({ length: count }, (_, n) => ({ id: `${type}-${n}`, type, data: { stays } }));

const idsOf = async (platform: TestPlatform, service: string, status: string) =>
  (await platform.executions(`&service=${service}&status=${status}`)).map(({ id }) => id).sort();

/** The service has as many runs under way as there are slots, and others that wait. */
async function flooded(platform: TestPlatform, service: string): Promise<string[]> {
  await platform.send(...events(service, 10, true));
  return eventually(async () => {
    const running = await idsOf(platform, service, "in_progress");
    expect(running).toHaveLength(slots);
    expect(await idsOf(platform, service, "pending")).toHaveLength(10 - slots);
    return running;
  });
}

test("D4: runs of other services complete while one service holds all slots and has more that wait", async () => {
  const platform = await startedPlatform();
  await deploy(platform, "flood", "b", "c");
  const running = await flooded(platform, "flood");
  await platform.send(...events("b", 3, false), ...events("c", 3, false));
  const ended = [...(await platform.settled(3, "&service=b")), ...(await platform.settled(3, "&service=c"))];
  expect(ended.map(({ status }) => status)).toEqual(Array(6).fill("completed"));
  expect(await idsOf(platform, "flood", "in_progress")).toEqual(running);
});

test("D4: a second service that floods the platform delays a third no more than by the run that it has", async () => {
  const platform = await startedPlatform();
  await deploy(platform, "flood", "b", "c");
  const running = await flooded(platform, "flood");
  await platform.send(...events("b", 10, true));
  const [first] = await eventually(async () => {
    const found = await idsOf(platform, "b", "in_progress");
    expect(found).toHaveLength(1);
    return found;
  });
  await platform.send(...events("c", 1, false));
  await eventually(async () => expect(await idsOf(platform, "c", "pending")).toHaveLength(1));
  await platform.request("POST", `/api/v1/executions/${first}/cancel`);
  const [other] = await platform.settled(1, "&service=c");
  const [second] = await eventually(async () => {
    const found = await platform.executions("&service=b&status=in_progress");
    expect(found).toHaveLength(1);
    return found;
  });
  expect(other?.status).toBe("completed");
  expect(Date.parse(other?.startedAt ?? "")).toBeLessThanOrEqual(Date.parse(second?.startedAt ?? ""));
  expect(await idsOf(platform, "flood", "in_progress")).toEqual(running);
});
