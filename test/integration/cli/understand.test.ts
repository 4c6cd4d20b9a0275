import { afterAll, beforeAll, expect, test } from "vitest";
import { eventKeyOf } from "../../../src/events/event-key.ts";
import { fx, fxJson, startFx } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
  await platform.deploy("greet", {
    "main.py": "from fx_ef import get_param\nprint('hello', get_param('name'))",
    "manifest.json": '{"trigger_events": ["hello.asked"]}',
  });
});
afterAll(() => platform.stop());

async function send(...words: string[]): Promise<string> {
  const { key } = await fxJson<{ key: string }>(["send", ...words], platform);
  await platform.event(key);
  return key;
}

test("late linking: an unmatched event says which command would link it, and after that command the next one runs", async () => {
  const type = "parcel.arrived";
  const before = await fx(["why", await send(type)], platform);
  expect(before.out).toContain(`No link named the type "${type}" when it was routed`);
  expect(before.out).toContain(`fx link ${type} <service>`);

  expect((await fx(["link", type, "greet"], platform)).out).toContain(`${type} starts default/greet`);
  const after = await fx(["send", type, "--wait"], platform);
  expect(after).toMatchObject({ code: 0, out: expect.stringContaining("default/greet  completed") });

  expect((await fx(["unlink", type, "greet"], platform)).out).toContain("removed link");
  const last = await fx(["why", await send(type)], platform);
  expect(last.out).toContain("No link named the type");
});

test("an event whose key begins with a dash is found as any other, though options begin so too", async () => {
  const source = "/test/dashes";
  const id = Array.from({ length: 10_000 }, (_, n) => `dash-${n}`).find((id) => eventKeyOf({ source, id })[0] === "-");
  const key = eventKeyOf({ source, id: id ?? "" });
  expect(await send("parcel.dashed", "--source", source, "--id", id ?? "")).toBe(key);
  const told = await fx(["why", key], platform);
  expect(told).toMatchObject({ code: 0, out: expect.stringContaining(`key ${key}`) });
  expect((await fx(["flow", key, "--quiet"], platform)).out).toContain("parcel.dashed");
  expect(await fxJson(["executions", "--event", key], platform)).toEqual([]);
  expect((await fx(["send", "parcel.dashed", "--correlation", key, "--wait"], platform)).out).toContain(
    "parcel.dashed",
  );
  expect((await fx(["flow", key], platform)).code).toBe(0);
});

test("why tells the filter that held a link back, and the command that changes it lets the next event pass", async () => {
  const { id } = await fxJson<{ id: string }>(
    ["link", "order.paid", "greet", "--filter", "event.data.total > 100"],
    platform,
  );
  const { out } = await fx(["why", await send("order.paid", "--data", '{"total": 5}')], platform);
  expect(out).toContain("filter is false: event.data.total > 100");
  expect(out).toContain(`fx links change ${id} --filter`);
  await fx(["links", "change", id, "--filter", "event.data.total > 1"], platform);
  const passed = await fxJson<{ outcome: string }>(
    ["why", await send("order.paid", "--data", '{"total": 5}')],
    platform,
  );
  expect(passed.outcome).toBe("matched");
});

test("a service that is switched off starts nothing, and why names the switch", async () => {
  await fx(["services", "change", "greet", "--off"], platform);
  const { out } = await fx(["why", await send("hello.asked", "--id", "off-1")], platform);
  await fx(["services", "change", "greet", "--on"], platform);
  expect(out).toContain("the service is switched off");
  expect(out).toContain("fx services change default/greet --on");
  expect((await fx(["why", "off-1"], platform)).out).toContain("none matched");
});

test("the hint after a link to a type of the platform's own is not to send it, which nobody can", async () => {
  const { talk } = await fx(["link", "fx.webhook.incoming", "greet"], platform);
  expect(talk).toContain("next: fx events --follow --type fx.webhook.incoming");
});

test("show, flow and executions tell of one run what the API tells", async () => {
  const key = await send("hello.asked", "--id", "shown-1", "--data", '{"name": "Ada"}');
  const [run] = await platform.settled(1, `&eventkey=${key}`);
  const id = run?.id ?? "";
  expect((await fx(["show", id], platform)).out).toMatch(/default\/greet\n[\s\S]*status +completed[\s\S]*hello Ada/);
  expect((await fx(["show", id, "--output", "1"], platform)).out).toBe("hello Ada\n");
  expect((await fx(["flow", id], platform)).out).toMatch(/◆ hello\.asked\n└─ ■ default\/greet {2}completed/);
  expect((await fx(["flow", key], platform)).out).toContain(id);
  expect((await fx(["flow", "shown-1"], platform)).out).toContain(id);
  const rows = await fxJson<object[]>(["executions", "--event", key, "--status", "completed,failed"], platform);
  expect(rows).toEqual([expect.objectContaining({ id, status: "completed", service: "greet" })]);
});

test("--json=fields selects, and a field that does not exist is a wrong command line", async () => {
  const selected = await fx(["services", "--json=name,active"], platform);
  expect(JSON.parse(selected.out)).toEqual([{ name: "greet", active: true }]);
  const unknown = await fx(["services", "--json=nmae"], platform);
  expect(unknown).toMatchObject({ code: 2, talk: expect.stringContaining("project, name") });
});

test("logs --follow prints what a run writes while it runs, and ends with it", async () => {
  await platform.deploy("endless", {
    "main.py": "import time\nprint('begun', flush=True)\ntime.sleep(60)",
  });
  const { executionId } = await fxJson<{ executionId: string }>(["run", "endless"], platform);
  const following = startFx(["logs", executionId, "--follow"], platform);
  await eventually(() => following.out === "begun\n");
  expect((await platform.execution(executionId)).status).toBe("in_progress");
  await fx(["cancel", executionId], platform);
  expect(await following.result()).toMatchObject({ code: 0, out: "begun\n" });
  expect((await platform.execution(executionId)).status).toBe("cancelled");
});

test("a failed run is listed, and retry runs it again as a new execution", async () => {
  await platform.deploy("fails", {
    "main.py": "raise SystemExit(3)",
    "manifest.json": '{"trigger_events": ["fail.asked"]}',
  });
  const [failed] = await platform.settled(1, `&eventkey=${await send("fail.asked")}`);
  const retried = await fxJson<{ id: string; retryOf: string }>(["retry", failed?.id ?? ""], platform);
  expect(retried).toMatchObject({ retryOf: failed?.id });
  const ended = await platform.settled(2, "&service=default/fails");
  expect(ended.map(({ status }) => status)).toEqual(["failed", "failed"]);
  expect((await fx(["show", failed?.id ?? ""], platform)).out).toMatch(
    new RegExp(`^  retried as +${retried.id}, failed$`, "m"),
  );
  const unretried = ["executions", "--service", "fails", "--status", "failed", "--unretried"];
  expect(await fxJson<{ id: string }[]>(unretried, platform)).toMatchObject([{ id: retried.id }]);
});

test("retry refuses what a retry has done already, goes on with the others, and does it again on request", async () => {
  await platform.deploy("once", { "main.py": "" });
  const run = async () => (await fxJson<{ executionId: string }>(["run", "once"], platform)).executionId;
  const [first, second] = [await run(), await run()];
  await platform.settled(2, "&service=default/once");
  await fx(["retry", first], platform);
  await platform.settled(3, "&service=default/once");
  const both = await fx(["retry", first, second], platform);
  expect(both).toMatchObject({ code: 1, out: expect.stringMatching(new RegExp(`^${second} runs again as \\S+\n$`)) });
  expect(both.talk).toContain(`execution ${first} was retried as`);
  expect(both.talk).toContain("1 of 2 were not retried");
  expect((await fx(["retry", first, "--again"], platform)).code).toBe(0);
});

test("a run that a full queue refused is told with the reason in why, show and the list; one that waits, with what for", async () => {
  const manifest = { trigger_events: ["queue.filled"], concurrency: 1, queue: { limit: 1 } };
  await platform.deploy("crowded", {
    "main.py": "import time; time.sleep(600)",
    "manifest.json": JSON.stringify(manifest),
  });
  const list = (status: string) =>
    fxJson<{ id: string; eventKey: string }[]>(["executions", "--service", "crowded", "--status", status], platform);
  await send("queue.filled");
  await eventually(async () => expect(await list("in_progress")).toHaveLength(1));
  await send("queue.filled");
  await send("queue.filled");
  const [waiting] = await list("pending");
  const [refused] = await list("skipped");
  const reason = "the queue of default/crowded was full: its manifest lets 1 wait (queue.limit)";
  for (const words of [
    ["why", refused?.eventKey],
    ["show", refused?.id],
    ["executions"],
    ["flow", refused?.eventKey],
  ]) {
    expect((await fx(words as string[], platform)).out).toContain(reason);
  }
  expect((await fx(["show", waiting?.id ?? ""], platform)).out).toContain("1 may run at once (concurrency)");

  const moved = await fx(["move", waiting?.id ?? "", "--lane", "high"], platform);
  expect(moved.out).toContain("regular → high, priority 3");
  expect((await fx(["show", waiting?.id ?? ""], platform)).out).toContain("high lane, moved from regular");
  const again = await fx(["move", waiting?.id ?? "", "--lane", "low"], platform);
  expect(again).toMatchObject({ code: expect.any(Number), talk: expect.stringContaining("was moved already") });
  expect(again.code).not.toBe(0);
  for (const status of ["pending", "in_progress"]) {
    for (const { id } of await list(status)) await fx(["cancel", id], platform);
  }
});

test("events --follow prints an event when it is routed", async () => {
  const tail = startFx(["events", "--follow", "--type", "tail.me", "--json"], platform);
  await eventually(() => tail.talk.includes("waiting for events"));
  // The stream begins when the server has it, which only its first event shows.
  await eventually(async () => {
    await send("tail.me", "--data", "1");
    return tail.out.includes("\n");
  });
  expect(JSON.parse(tail.out.split("\n", 1)[0] ?? "")).toMatchObject({
    event: { type: "tail.me", data: 1 },
    outcome: "unmatched",
  });
});

test("ledger reconcile adds up, and doctor finds the platform ready", async () => {
  expect(await fx(["ledger", "reconcile"], platform)).toMatchObject({
    code: 0,
    out: expect.stringContaining("balanced"),
  });
  const findings = await fxJson<{ check: string; verdict: string; found: string }[]>(["doctor"], platform);
  expect(findings).toContainEqual(expect.objectContaining({ check: "platform", verdict: "ok" }));
  expect(findings).toContainEqual(expect.objectContaining({ check: "node", verdict: "ok" }));
  expect(findings).toContainEqual(expect.objectContaining({ check: "starting scripts", verdict: "ok" }));
  expect(findings).toContainEqual({
    check: "limits of runs",
    verdict: "ok",
    found: expect.stringMatching(
      /in a control group of its own below \/|looked at ten times a second \(no control groups: ./,
    ),
  });
});

test.skipIf(process.getuid?.() !== 0)("doctor says what root lacks for sandboxes where it has few rights", async () => {
  const rights = "-all,+chown,+dac_override,+fowner,+kill,+setgid,+setuid";
  const by = ["setpriv", `--bounding-set=${rights}`, "--inh-caps=-all"];
  const { out } = await fx(["doctor", "--json"], { ...platform, url: platform.url, by });
  const findings = JSON.parse(out) as { check: string }[];
  expect(findings.find(({ check }) => check === "sandbox")).toEqual({
    check: "sandbox",
    verdict: "warn",
    found: expect.stringMatching(/root without CAP_SYS_ADMIN and CAP_NET_ADMIN/),
    fix: expect.stringMatching(/only services that ask for a sandbox need this: give the platform CAP_SYS_ADMIN/),
  });
});

test.each([
  [{ FX_EXECUTOR_FORK: "off" }, /started anew.*executor\.fork is off/, /executor\.fork to auto/],
  [{ FX_EXECUTOR_PYTHON: "/nowhere" }, /started anew.*no Python to fork from.*\/nowhere/, /executor\.python/],
])("doctor says why scripts are started anew, and what to do: %o", async (environment, found, fix) => {
  const { out } = await fx(["doctor", "--json"], { ...platform, url: platform.url, environment });
  const findings = JSON.parse(out) as { check: string }[];
  expect(findings.find(({ check }) => check === "starting scripts")).toEqual({
    check: "starting scripts",
    verdict: "warn",
    found: expect.stringMatching(found),
    fix: expect.stringMatching(fix),
  });
});
