import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start({ alertsEveryMs: 50 });
});
afterAll(() => platform.stop());

interface Rule {
  id: string;
  name: string;
  condition: Record<string, unknown>;
}

interface Alert {
  id: string;
  rule: string;
  subject: string;
  summary: string;
  resolvedAt: string | null;
  resolution: string | null;
}

const rules = "/api/v1/alerts/rules";
const add = (rule: object) => platform.request<Rule>("POST", rules, { json: rule });
const alertsOf = async (ruleId: string) =>
  (await platform.request<{ items: Alert[] }>("GET", `/api/v1/alerts?ruleId=${ruleId}`)).body.items;
const told = async (type: string) =>
  (
    await platform.request<{ items: { eventId: string; subject: string }[] }>(
      "GET",
      `/api/v1/events/search?q=type:${type}`,
    )
  ).body.items;

test("a rule is made with what it leaves out filled in, changed in part and whole, and removed", async () => {
  const { status, body: made } = await add({ name: "failing", condition: { kind: "failure_rate", service: "till" } });
  expect({ status, made }).toMatchObject({
    status: 201,
    made: {
      ...{ project: null, description: null, severity: "warning", active: true },
      condition: { kind: "failure_rate", service: "default/till", window: 300, percent: 50, minimum: 5 },
    },
  });
  const place = `${rules}/${made.id}`;
  const patched = await platform.request<Rule>("PATCH", place, { json: { severity: "critical", description: "call" } });
  expect(patched.body).toMatchObject({ ...made, severity: "critical", description: "call" });
  const whole = { name: "quiet", condition: { kind: "silence", type: "beat", for: 600 } };
  const put = await platform.request<Rule>("PUT", place, { json: whole });
  expect(put.body).toMatchObject({ ...whole, id: made.id, severity: "warning", description: null });
  expect((await platform.request("GET", place)).body).toEqual(put.body);
  expect((await platform.request<{ items: Rule[] }>("GET", rules)).body.items).toEqual([put.body]);
  expect(await add(whole)).toMatchObject({ status: 409 });
  expect(await platform.request("DELETE", place)).toMatchObject({ status: 204 });
  expect(await platform.request("GET", place)).toMatchObject({ status: 404 });
});

test.each([
  [{ kind: "failure_rate", window: 0 }, "condition.window"],
  [{ kind: "failure_rate", perzent: 3 }, "perzent"],
  [{ kind: "failure_rate", service: "a/b/c" }, "must be a service, such as default/hello"],
  [{ kind: "silence", type: "fx.alert.raised", for: 60 }, "must not be a type of alerts"],
  [{ kind: "silence", type: "*", for: 60 }, "must be an event type"],
  [{ kind: "log_pattern", query: "levle:error" }, '\\"levle\\" is no field'],
  [{ kind: "log_pattern", query: "x at:>=2026-01-31" }, "the window is the time"],
  [{ kind: "unheard_of" }, "condition.kind"],
])("a condition that cannot be meant is refused with its place: %j", async (condition, message) => {
  const { status, body } = await add({ name: "wrong", condition });
  expect({ status, text: JSON.stringify(body) }).toMatchObject({ status: 400, text: expect.stringContaining(message) });
});

test("a service of another project than the rule is refused", async () => {
  await platform.request("POST", "/api/v1/projects", { json: { name: "shop" } });
  const condition = { kind: "failure_rate", service: "default/till" };
  expect(await add({ name: "wrong", project: "shop", condition })).toMatchObject({
    status: 400,
    body: { problems: [{ path: "condition.service" }] },
  });
});

test("D1: a service that fails starts whoever is linked to the alert, once, and again when it is resolved", async () => {
  await platform.deploy("till", {
    "main.py": "import sys\nsys.exit(1)",
    "manifest.json": '{"trigger_events": ["sold"]}',
  });
  const linked = '{"trigger_events": ["fx.alert.raised", "fx.alert.resolved"]}';
  await platform.deploy("pager", {
    "main.py": "from fx_ef import context\nprint(context.event['type'], context.params.get('summary'))",
    "manifest.json": linked,
  });
  const condition = { kind: "failure_rate", service: "till", window: 3, minimum: 3 };
  const { body: rule } = await add({ name: "till-fails", severity: "critical", condition });
  await platform.send(...[1, 2, 3, 4].map((n) => ({ id: `sold-${n}`, type: "sold" })));
  await eventually(async () =>
    expect((await alertsOf(rule.id)).map(({ resolution }) => resolution)).toEqual(["passed"]),
  );
  const runs = await eventually(async () => {
    const runs = await platform.settled(2, "&service=default/pager");
    return runs.length === 2 && runs;
  });
  const printed = (await Promise.all(runs.map(({ id }) => platform.outputs(id)))).flat().sort();
  expect(printed).toEqual([
    expect.stringMatching(/^fx\.alert\.raised [34] of [34] runs of default\/till failed within 3 s\n$/),
    expect.stringMatching(/^fx\.alert\.resolved/),
  ]);
  expect(await told("fx.alert.raised")).toHaveLength(1);
});

test("what was open before a restart is open after it, and is resolved once", async () => {
  const { body: rule } = await add({ name: "no-beat", condition: { kind: "silence", type: "beat", for: 1 } });
  await eventually(async () => expect(await alertsOf(rule.id)).toMatchObject([{ subject: "beat", resolvedAt: null }]));
  await platform.restart({ alertsEveryMs: 50 });
  await platform.send({ id: "beat-1", type: "beat" });
  await eventually(async () => {
    const all = await alertsOf(rule.id);
    return all.at(-1)?.resolution === "passed";
  });
  await platform.request("DELETE", `${rules}/${rule.id}`);
  await eventually(async () => {
    const count = (await alertsOf(rule.id)).length;
    const events = (await told("fx.alert.*")).filter(({ subject }) => subject === "beat");
    expect(events).toHaveLength(2 * count);
    return true;
  });
});

test("a rule is tried on what was stored, and nothing is made", async () => {
  const tried = async (condition: object) =>
    (await platform.request<{ alerts: Alert[]; seen: number }>("POST", "/api/v1/alerts/try", { json: { condition } }))
      .body;
  expect(await tried({ kind: "failure_rate", service: "till", minimum: 4 })).toMatchObject({
    alerts: [{ subject: "default/till", summary: expect.stringContaining("4 of 4") }],
    seen: 4,
    complete: true,
  });
  expect(await tried({ kind: "failure_rate", service: "till", minimum: 5 })).toMatchObject({ alerts: [], seen: 4 });
  expect(await tried({ kind: "silence", type: "sold", for: 3600 })).toMatchObject({ alerts: [{ subject: "sold" }] });
  expect(await tried({ kind: "log_pattern", query: '"fx.alert.resolved" till service:pager', count: 1 })).toMatchObject(
    {
      alerts: [{ subject: "default/pager" }],
      seen: 1,
    },
  );
  expect(await tried({ kind: "duration", service: "till" })).toMatchObject({ alerts: [], seen: 0 });
  expect(
    await platform.request("POST", "/api/v1/alerts/try", { json: { condition: { kind: "lateness" } } }),
  ).toMatchObject({ status: 400 });
});
