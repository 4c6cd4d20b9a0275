import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { type EventJson, TestPlatform } from "../../support/platform.ts";

/** Longest that an answer may take while the platform is busy with mappings; generous for a busy machine. */
const promptMs = 2000;

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start({ limitsHops: 6, limitsFlowExecutions: 300 });
});
afterAll(() => platform.stop());

interface Listed extends EventJson {
  event: { type: string; data?: unknown };
}

interface Backtest {
  examined: number;
  matched: number;
  notRouted: number;
  truncated: boolean;
  endedAt: string | null;
  samples: { made: Record<string, unknown> | null }[];
}

async function map(fromType: string, toType: string, more: object = { strategy: "all" }): Promise<void> {
  const { status } = await platform.request("POST", "/api/v1/mappings", { json: { fromType, toType, ...more } });
  expect(status).toBe(201);
}

const service = (type: string, script: string) => ({
  "manifest.json": JSON.stringify({ entrypoint: "main.py", trigger_events: [type] }),
  "main.py": script,
});

async function flow(correlationId: string): Promise<Listed[]> {
  const route = `/api/v1/events?correlationid=${correlationId}&limit=1000`;
  return (await platform.request<{ items: Listed[] }>("GET", route)).body.items;
}

/** The longest that the API took for small answers until `work` was done. */
async function slowestMeanwhile(work: Promise<unknown>): Promise<number> {
  let over = false;
  void work.finally(() => {
    over = true;
  });
  let slowestMs = 0;
  do {
    const began = performance.now();
    expect((await platform.request("GET", "/api/v1/services")).status).toBe(200);
    slowestMs = Math.max(slowestMs, performance.now() - began);
  } while (!over);
  await work;
  return slowestMs;
}

async function backtest(json: object): Promise<Backtest> {
  const { status, body } = await platform.request<Backtest>("POST", "/api/v1/route/backtest", { json });
  expect(status).toBe(200);
  return body;
}

describe("mappings", () => {
  test("D14: a loop of a mapping and a script ends in rejected by the hop limit, and the platform answers meanwhile", async () => {
    await platform.deploy(
      "pong",
      service("loop.ping", "from fx_ef import context\ncontext.events.send('loop.pong', {})\n"),
    );
    await platform.deploy("told", service("fx.event.rejected", "import sys\nprint(sys.argv[1])\n"));
    await map("loop.pong", "loop.ping");
    await platform.send({ id: "loop-1", type: "loop.ping", correlationid: "loop" });
    const ended = eventually(async () => (await flow("loop")).some(({ outcome }) => outcome === "rejected"));
    expect(await slowestMeanwhile(ended)).toBeLessThan(promptMs);
    const runs = await platform.settled(5, "&correlationid=loop");
    expect(runs.map(({ service: name, sequence }) => `${name} ${sequence}`).sort()).toEqual([
      "pong 0",
      "pong 2",
      "pong 4",
      "pong 6",
      "told 8",
    ]);
    const rejected = (await flow("loop")).filter(({ outcome }) => outcome === "rejected");
    expect(rejected).toMatchObject([{ reason: expect.stringMatching(/^hop limit/), event: { type: "loop.pong" } }]);
    expect((await platform.outputs(runs.find((run) => run.service === "told")?.id ?? ""))[0]).toContain("hop limit");
    await platform.request("DELETE", "/api/v1/services/default/told?force=true");
  });

  test("D14: a storm of mappings, each event becoming ten, is bounded by the budget of its flow", async () => {
    for (let depth = 0; depth < 5; depth += 1) {
      for (let n = 0; n < 10; n += 1) {
        await map(`storm.${depth}`, `storm.${depth + 1}`, { strategy: "all", filter: `event.data.n < ${100 + n}` });
      }
    }
    const sent = platform.send({ id: "storm-1", type: "storm.0", correlationid: "storm", data: { n: 1 } });
    const stopped = sent.then(() =>
      eventually(async () => {
        const found = await flow("storm");
        return found.length === 301 && found;
      }),
    );
    expect(await slowestMeanwhile(stopped)).toBeLessThan(promptMs);
    const found = await stopped;
    const made = found.filter(({ event }) => event.type !== "storm.0");
    expect(made).toHaveLength(300);
    const rejected = found.filter(({ outcome }) => outcome === "rejected");
    // 1 + 10 + 19 events were mapped; then the budget was spent.
    expect(found.filter(({ outcome }) => outcome === "matched")).toHaveLength(30);
    expect(rejected).toHaveLength(271);
    for (const { reason } of rejected) expect(reason).toMatch(/^flow budget: flow storm has started 300/);
    // Another flow has its own.
    const [other = ""] = await platform.send({ id: "storm-2", type: "storm.4", correlationid: "calm", data: { n: 1 } });
    expect(await platform.event(other)).toMatchObject({ outcome: "matched" });
  });

  test("what a webhook receives becomes an event of the shop's own, and starts the service that knows only that", async () => {
    await platform.deploy(
      "ship",
      service("order.placed", "from fx_ef import context\nprint(context.params.get('nr'), context.event['type'])\n"),
    );
    await map("fx.webhook.incoming", "order.placed", {
      filter: 'event.subject == "shop"',
      fields: [{ target: "data.nr", from: "data.body.order.nr", required: true }],
    });
    const hook = await platform.request<{ path: string }>("POST", "/api/v1/webhooks", { json: { name: "shop" } });
    const post = async (body: object) => {
      const headers = { "content-type": "application/json" };
      const init = { method: "POST", body: JSON.stringify(body), headers };
      const answer = await fetch(`${platform.url}${hook.body.path}`, init);
      expect(answer.status).toBe(202);
      return platform.event(((await answer.json()) as { key: string }).key);
    };
    expect(await post({ order: { nr: 7 } })).toMatchObject({ outcome: "matched" });
    const [run] = await platform.settled(1, "&service=default/ship");
    expect(await platform.outputs(run?.id ?? "")).toEqual(["7 order.placed\n"]);
    expect(run).toMatchObject({ eventType: "order.placed", sequence: 1 });
    expect(await post({ something: "else" })).toMatchObject({
      outcome: "unmatched",
      mappings: [{ matched: false, reason: expect.stringContaining("data.body.order.nr is missing, and required") }],
    });
  });
});

describe("a backtest", () => {
  test("over ten thousand stored events leaves the API prompt, and says when it has not looked at all types", async () => {
    const events = Array.from({ length: 10_000 }, (_, n) => {
      const type = n % 4 === 0 ? `bulk.other.${(n / 4) % 250}` : "bulk.many";
      return { id: `bulk-${n}`, type, data: { n } };
    });
    const keys: string[] = [];
    for (let from = 0; from < events.length; from += 1000) {
      keys.push(...(await platform.send(...events.slice(from, from + 1000))));
    }
    // Partitions are routed in order: with these, which lie in all of them, what came before is decided.
    await Promise.all(keys.slice(-100).map((key) => platform.event(key)));
    const fields = [{ target: "data.half", expression: "event.data.n / 2", required: true }];
    const mapping = { fromType: "bulk.*", toType: "half.made", filter: "event.data.n > 4999", fields };
    const work = backtest({ mapping });
    expect(await slowestMeanwhile(work)).toBeLessThan(promptMs);
    // `bulk.many` and the first 199 of the others, of which each has ten events.
    const tried = await work;
    expect(tried).toMatchObject({ examined: 7500 + 1990, truncated: true, endedAt: null });
    expect(tried.matched).toBe(3750 + 995);
    const narrow = await backtest({ mapping: { ...mapping, fromType: "bulk.many" } });
    expect(narrow).toMatchObject({ examined: 7500, matched: 3750, truncated: false, endedAt: null });
  }, 60_000);

  test("D14: of execution events it matches those that the router would route, and no news of runs that such events started", async () => {
    await platform.deploy("works", service("work.asked", "print('done')\n"));
    await platform.deploy("after", service("fx.execution.completed", "print('after')\n"));
    await platform.send({ id: "work-1", type: "work.asked", correlationid: "work" });
    await platform.settled(2, "&correlationid=work");
    const recorded = await eventually(async () => {
      const found = (await flow("work")).filter(({ event }) => event.type === "fx.execution.completed");
      return found.length === 2 && found;
    });
    expect(recorded.map(({ outcome }) => outcome).sort()).toEqual(["matched", "unmatched"]);
    const filter = 'event.correlationid == "work"';
    const link = { service: "works", eventType: "fx.execution.completed", filter };
    expect(await backtest({ link })).toMatchObject({ matched: 1, notRouted: 1 });
    const mapping = { fromType: "fx.execution.*", toType: "work.done", filter, strategy: "all" };
    const mapped = await backtest({ mapping });
    expect(mapped).toMatchObject({ matched: 1, notRouted: 1 });
    expect(mapped.samples[0]?.made).toMatchObject({ type: "work.done", fxlifecycle: true });
    await platform.request("DELETE", "/api/v1/services/default/after?force=true");
  });
});
