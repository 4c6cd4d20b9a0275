import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fx } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { type EventJson, TestPlatform } from "../../support/platform.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

const hello = (type: string, script = "print('hello')\n") => ({
  "manifest.json": JSON.stringify({ entrypoint: "main.py", trigger_events: [type] }),
  "main.py": script,
});

const passOn = (to: string) => `from fx_ef import context
context.events.send("${to}", {"n": context.params.get("n", 0) + 1})
`;

describe("an event", () => {
  test("starts the service that is linked to it, and its output is kept", async () => {
    await platform.deploy(
      "greeter",
      hello("greet", "import sys, json\nprint('hello', json.loads(sys.argv[1])['name'])\n"),
    );
    const [key = ""] = await platform.send({ id: "greet-1", type: "greet", data: { name: "Ada" } });
    const event = await platform.event(key);
    expect(event).toMatchObject({ outcome: "matched", links: [{ service: "greeter", matched: true }] });
    const [execution] = await platform.settled(1, `&eventkey=${key}`);
    expect(execution).toMatchObject({ status: "completed", trigger: "event", attempt: 1, losses: 0 });
    expect(await platform.outputs(execution?.id ?? "")).toEqual(["hello Ada\n"]);
  });

  test("D2: sent twice starts one execution", async () => {
    await platform.deploy("once", hello("twice"));
    const keys = await platform.send({ id: "same", type: "twice" }, { id: "same", type: "twice" });
    await platform.send({ id: "same", type: "twice" });
    expect(new Set(keys).size).toBe(1);
    await platform.send({ id: "after", type: "twice" });
    await platform.settled(2, "&service=default/once");
    expect(await platform.executions("&service=default/once")).toHaveLength(2);
  });

  test("D10: that a run sends under the id of an earlier run's event is rejected and told, and the run goes on", async () => {
    const source = `from fx_ef import context, FxError
n = context.params["n"]
print(context.events.send("customer.opened", {"n": n}, id="k-9"), context.events.send("customer.opened", {"n": n}, id="k-9"))
try:
    context.events.send("customer.closed", {"n": n}, id="k-9")
except FxError as error:
    print(error.code, error)
`;
    await platform.deploy("own-ids", hello("own.asked", source));
    await platform.deploy("opened", hello("customer.opened"));
    for (const n of [1, 2]) {
      await platform.send({ id: `own-${n}`, type: "own.asked", data: { n } });
      const runs = await platform.settled(n, "&service=default/own-ids");
      expect(runs.map(({ status }) => status)).toEqual(runs.map(() => "completed"));
    }
    const rejected = await eventually(async () => {
      const { body } = await platform.request<{ items: EventJson[] }>("GET", "/api/v1/events?id=k-9");
      return body.items.length === 2 && body.items[0];
    });
    expect(rejected).toMatchObject({
      outcome: "rejected",
      event: { type: "customer.opened", data: { n: 2 } },
      reason: expect.stringContaining('its id "k-9" names another event from /projects/default/services/own-ids'),
    });
    const [last] = await platform.settled(2, "&service=default/own-ids");
    expect(await platform.outputs(last?.id ?? "")).toEqual([
      expect.stringMatching(
        /^k-9 k-9\nconflict the id "k-9" names another event of this run: "customer.opened" was sent/,
      ),
    ]);
    expect(await platform.executions("&service=default/opened")).toHaveLength(1);
    const shown = await fx(["show", last?.id ?? ""], platform);
    expect(shown.out).toMatch(/customer\.opened {2}rejected .*\n {4}its id "k-9" names another event/);
    expect((await fx(["why", "k-9"], platform)).talk).toMatch(
      /2 events have the id "k-9"[\s\S]*rejected[\s\S]*matched/,
    );
  });

  test("that nothing is linked to says why, and late linking answers the next one within a second", async () => {
    const [before = ""] = await platform.send({ id: "late-1", type: "late.linked" });
    expect(await platform.event(before)).toMatchObject({
      outcome: "unmatched",
      reason: expect.stringContaining("late.linked"),
    });
    await platform.deploy("late", { "main.py": "print('late')\n" });
    const link = { project: "default", service: "late", version: "active", eventType: "late.*", active: true };
    expect((await platform.request("POST", "/api/v1/links", { json: link })).status).toBe(201);
    const [after = ""] = await platform.send({ id: "late-2", type: "late.linked" });
    expect(await platform.event(after)).toMatchObject({ outcome: "matched" });
  });

  test("runs two versions of one service side by side when both are linked", async () => {
    const first = await platform.deploy("versions", hello("both", "print('first')\n"));
    const second = await platform.deploy("versions", hello("both", "print('second')\n"));
    const link = {
      project: "default",
      service: "versions",
      version: first.body.version,
      eventType: "both",
      active: true,
    };
    expect((await platform.request("POST", "/api/v1/links", { json: link })).status).toBe(201);
    const [key = ""] = await platform.send({ id: "both-1", type: "both" });
    const executions = await platform.settled(2, `&eventkey=${key}`);
    expect(executions.map(({ version }) => version).sort()).toEqual([first.body.version, second.body.version].sort());
    const outputs = await Promise.all(executions.map(({ id }) => platform.outputs(id)));
    expect(outputs.flat().sort()).toEqual(["first\n", "second\n"]);
  });

  test("a thousand at once are each decided once, and every one is accounted for", async () => {
    await platform.deploy("filtered", {
      "manifest.json": JSON.stringify({
        entrypoint: "main.py",
        trigger_events: [{ type: "flood", filter: "event.data.n % 100 == 0" }],
      }),
      "main.py": "print('ran')\n",
    });
    const events = Array.from({ length: 1000 }, (_, n) => ({ id: `flood-${n}`, type: "flood", data: { n } }));
    const keys = await platform.send(...events);
    const outcomes = await Promise.all(keys.map(async (key) => (await platform.event(key)).outcome));
    expect(outcomes.filter((outcome) => outcome === "matched")).toHaveLength(10);
    expect(outcomes.filter((outcome) => outcome === "unmatched")).toHaveLength(990);
    await platform.settled(10, "&service=default/filtered");
    await eventually(async () => {
      const { body } = await platform.request<{ balanced: boolean }>("GET", "/api/v1/ledger/reconcile");
      return body.balanced;
    });
  });
});

describe("a chain", () => {
  test("carries its correlation through services in Python and TypeScript", async () => {
    await platform.deploy("first", hello("chain.start", passOn("chain.middle")));
    await platform.deploy("second", {
      "manifest.json": JSON.stringify({ entrypoint: "main.ts", trigger_events: ["chain.middle"] }),
      "main.ts": `import { context } from "@streamzero/fx";
const n: number = Number(context.params.get("n"));
await context.events.send("chain.end", { n: n + 1 });
`,
    });
    await platform.deploy("third", hello("chain.end", "from fx_ef import context\nprint(context.params.get('n'))\n"));
    await platform.send({ id: "chain-1", type: "chain.start", correlationid: "chain-flow", data: { n: 1 } });
    const executions = await platform.settled(3, "&correlationid=chain-flow");
    expect(executions.map(({ service, sequence, status }) => [service, sequence, status]).reverse()).toEqual([
      ["first", 0, "completed"],
      ["second", 1, "completed"],
      ["third", 2, "completed"],
    ]);
    const third = executions.find(({ service }) => service === "third");
    expect(await platform.outputs(third?.id ?? "")).toEqual(["3\n"]);
  });

  test("D14: A starts B starts A is stopped at the hop limit, and an event tells of it", async () => {
    const short = await TestPlatform.start({ limitsHops: 6 });
    try {
      await short.deploy("a", hello("ping", passOn("pong")));
      await short.deploy("b", hello("pong", passOn("ping")));
      await short.deploy("watcher", hello("fx.event.rejected", "import sys\nprint(sys.argv[1])\n"));
      await short.send({ id: "loop", type: "ping", correlationid: "loop" });
      const executions = await short.settled(8, "&correlationid=loop");
      expect(executions.filter(({ service }) => service !== "watcher")).toHaveLength(7);
      const watcher = executions.find(({ service }) => service === "watcher");
      expect((await short.outputs(watcher?.id ?? ""))[0]).toContain("hop limit");
    } finally {
      await short.stop();
    }
  });

  test("D14: a service linked to the end of every run does not start itself for ever", async () => {
    await platform.deploy("storm", hello("fx.execution.completed"));
    await platform.deploy("quiet", hello("calm"));
    await platform.send({ id: "calm-1", type: "calm", correlationid: "calm-flow" });
    await platform.settled(2, "&correlationid=calm-flow");
    expect((await platform.executions("&correlationid=calm-flow")).map(({ service }) => service).sort()).toEqual([
      "quiet",
      "storm",
    ]);
    await platform.request("DELETE", "/api/v1/services/default/storm?force=true");
  });
});

describe("links changed under load", () => {
  test("decide each event by the links of its moment: none is lost, none runs twice", async () => {
    const deployed = await platform.deploy("switch", { "main.py": "print('x')\n" });
    expect(deployed.status).toBe(201);
    const link = { project: "default", service: "switch", version: "active", eventType: "switched", active: true };
    const { body } = await platform.request<{ id: string }>("POST", "/api/v1/links", { json: link });
    const keys: string[] = [];
    for (let round = 0; round < 20; round += 1) {
      const events = Array.from({ length: 10 }, (_, n) => ({ id: `s-${round}-${n}`, type: "switched" }));
      const [sent] = await Promise.all([
        platform.send(...events),
        platform.request("PATCH", `/api/v1/links/${body.id}`, { json: { active: round % 2 === 1 } }),
      ]);
      keys.push(...sent);
    }
    const entries = await Promise.all(keys.map((key) => platform.event(key)));
    const matched = entries.filter(({ outcome }) => outcome === "matched");
    const switchedOff = entries.filter(
      ({ outcome, links }) => outcome === "unmatched" && links[0]?.reason === "the link is switched off",
    );
    expect(matched.length + switchedOff.length).toBe(200);
    const executions = await platform.settled(matched.length, "&service=default/switch");
    expect(executions.map(({ eventKey }) => eventKey).sort()).toEqual(matched.map(({ key }) => key).sort());
  });
});
