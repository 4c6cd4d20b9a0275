import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

interface EntryJson {
  service: string;
  verdict: string;
  reason: string | null;
  original: { executionId: string; version: string; status: string; exitCodes: (number | null)[] };
  replay: { executionId: string; version: string; status: string; exitCodes: (number | null)[] } | null;
  output: { n: number; same: boolean; diff: string | null }[];
  emitted: { same: boolean; added: object[]; removed: object[]; changed: object[] };
  effects: { kind: string; content: Record<string, unknown> }[];
  effectCount: number;
}

interface ReplayJson {
  id: string;
  status: string;
  executions: number;
  summary: Record<string, number>;
  entries: EntryJson[];
}

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

const service = (type: string, script: string) => ({
  "manifest.json": JSON.stringify({ entrypoint: "main.py", trigger_events: [type], retries: { count: 0 } }),
  "main.py": script,
});

const replay = (json: object, headers: Record<string, string> = {}) =>
  platform.request<ReplayJson & { detail: string }>("POST", "/api/v1/flows/replay", { json, headers });

const done = (id: string) =>
  eventually(async () => {
    const { body } = await platform.request<ReplayJson>("GET", `/api/v1/replays/${id}`);
    if (body.status !== "done") throw new Error(JSON.stringify(body.summary));
    return body;
  });

const entryOf = ({ entries }: ReplayJson, name: string): EntryJson => {
  const found = entries.find((entry) => entry.service === name);
  if (found === undefined) throw new Error(`no entry of ${name}`);
  return found;
};

const counts = async () => {
  const { body } = await platform.request<{ items: { key: string }[] }>("GET", "/api/v1/events?limit=1000");
  return { events: body.items.length, executions: (await platform.executions()).length };
};

const intake = `from fx_ef import context
context.state.put("seen", context.params.get("n"))
print("intake", context.params.get("n"))
context.events.send("order.checked", {"n": context.params.get("n"), "by": "intake"})
`;
const broken = `from fx_ef import context
print("price of", context.params.get("n"))
raise SystemExit(3)
`;
const fixed = `from fx_ef import context
print("price of", context.params.get("n"))
print("is", context.params.get("n") * 2)
print("before", context.state.get())
context.state.put("last", context.params.get("n"))
print("after", context.state.get())
context.events.send("order.priced", {"price": context.params.get("n") * 2})
`;

/** The state that a replay finds is empty each time, and holds its own puts while it runs. */
const stateless = /^ price of 21\n\+is 42\n\+before {}\n\+after {'last': 21}$/m;

describe("a replay of a failing flow with a fixed version", () => {
  let versions: { first: string; fixed: string };
  beforeAll(async () => {
    await platform.deploy("intake", service("order.placed", intake));
    const first = await platform.deploy("pricing", service("order.checked", broken));
    await platform.deploy("shipping", service("order.priced", "print('shipped')\n"));
    await platform.send({ id: "order-1", type: "order.placed", correlationid: "orders", data: { n: 21 } });
    await platform.settled(2, "&correlationid=orders");
    const second = await platform.deploy("pricing", service("order.checked", fixed));
    versions = { first: first.body.version, fixed: second.body.version };
  });

  test("says that it is fixed, and what differs in output and emitted events", async () => {
    const { status, body } = await replay({ correlationid: "orders", versions: { "default/pricing": "active" } });
    expect(status).toBe(202);
    expect(body.executions).toBe(2);
    const ended = await done(body.id);
    expect(ended.summary).toMatchObject({ fixed: 1, same: 1, differs: 0, "failed-now": 0, "not-replayable": 0 });
    const pricing = entryOf(ended, "pricing");
    expect(pricing).toMatchObject({
      verdict: "fixed",
      original: { version: versions.first, status: "failed", exitCodes: [3] },
      replay: { version: versions.fixed, status: "completed", exitCodes: [0] },
    });
    expect(pricing.output[0]?.diff).toMatch(stateless);
    expect(pricing.emitted).toMatchObject({
      same: false,
      added: [{ type: "order.priced", source: "/projects/default/services/pricing", data: { price: 42 } }],
      removed: [],
      changed: [],
    });
    expect(pricing.effects.map(({ kind, content }) => [kind, content.key ?? content.type])).toEqual([
      ["putState", "last"],
      ["emit", "order.priced"],
    ]);
    expect(entryOf(ended, "intake")).toMatchObject({ verdict: "same", emitted: { same: true } });
  });

  test("D14: routes nothing, changes no state, and is no part of the flow; a second replay says the same", async () => {
    await platform.deploy("watcher", service("fx.execution.completed", "print('watched')\n"));
    const before = await counts();
    const { body: flowBefore } = await platform.request<{ executions: unknown[] }>(
      "GET",
      "/api/v1/flows?correlationid=orders",
    );
    const { body } = await replay({ correlationid: "orders", versions: { "default/pricing": versions.fixed } });
    const ended = await done(body.id);
    expect(ended.summary).toMatchObject({ fixed: 1, same: 1 });
    expect(entryOf(ended, "pricing").output[0]?.diff).toMatch(stateless);
    // An event sent after it, and the watcher that its run starts, come last: nothing of the replay was before them.
    await platform.send({ id: "marker-1", type: "order.priced", correlationid: "marker" });
    await platform.settled(2, "&correlationid=marker");
    const after = await counts();
    expect(after.executions - before.executions).toBe(2 + 2);
    const { body: flow } = await platform.request<{ executions: unknown[] }>(
      "GET",
      "/api/v1/flows?correlationid=orders",
    );
    expect(flow.executions).toEqual(flowBefore.executions);
    const replayed = await platform.executions("&trigger=replay&correlationid=orders");
    expect(replayed.length).toBeGreaterThanOrEqual(2);
    expect(replayed.every(({ retryOf }) => retryOf !== null)).toBe(true);
    await platform.request("DELETE", "/api/v1/services/default/watcher?force=true");
  });

  test("with the version of before says that nothing differs", async () => {
    const { body } = await replay({ correlationid: "orders", versions: {} });
    expect((await done(body.id)).summary).toMatchObject({ same: 2, fixed: 0, differs: 0 });
  });

  test("D17: with an Idempotency-Key is made once; the key for other terms is refused", async () => {
    const key = { "idempotency-key": "replay-once" };
    const first = await replay({ correlationid: "orders" }, key);
    expect((await replay({ correlationid: "orders" }, key)).body.id).toBe(first.body.id);
    const other = await replay({ correlationid: "orders", versions: { "default/pricing": "active" } }, key);
    expect(other.status).toBe(409);
    const { body } = await platform.request<{ items: { id: string }[] }>("GET", "/api/v1/replays?correlationid=orders");
    expect(body.items.filter(({ id }) => id === first.body.id)).toHaveLength(1);
    await done(first.body.id);
    expect((await platform.request("DELETE", `/api/v1/replays/${first.body.id}`)).status).toBe(204);
    expect((await platform.request("GET", `/api/v1/replays/${first.body.id}`)).status).toBe(404);
    expect((await platform.executions("&trigger=replay")).length).toBeGreaterThan(0);
  });

  test("is refused for a flow, a service or a version that is not there, naming what is", async () => {
    expect((await replay({ correlationid: "nobody" })).status).toBe(404);
    const service = await replay({ correlationid: "orders", versions: { "default/else": "active" } });
    expect(service).toMatchObject({ status: 400, body: { detail: expect.stringContaining("default/pricing") } });
    const version = await replay({ correlationid: "orders", versions: { "default/pricing": "none" } });
    expect(version).toMatchObject({ status: 404, body: { detail: expect.stringContaining(versions.fixed) } });
  });

  test("an execution of a replay is not retried by hand", async () => {
    const [replayed] = await platform.executions("&trigger=replay");
    const { status } = await platform.request("POST", `/api/v1/executions/${replayed?.id}/retry`, { json: {} });
    expect(status).toBe(409);
  });
});

test("a replay of SQL scripts changes no database, and each of its steps finds what the ones before it did", async () => {
  await platform.deploy("ledger", {
    "manifest.json": JSON.stringify({ execution_order: ["1-add.sql", "2-sum.sql"], trigger_events: ["ledger.booked"] }),
    "1-add.sql": `CREATE TABLE IF NOT EXISTS account (id INTEGER PRIMARY KEY, amount INTEGER);
INSERT INTO account (amount) VALUES ({{ params.amount }});`,
    "2-sum.sql": "SELECT count(*) AS n, sum(amount) AS total FROM account;",
  });
  const outputs = async (id: string) => {
    const { steps } = await platform.execution(id);
    return (steps as unknown as { output: { preview: string } }[]).map(({ output }) => output.preview);
  };
  await platform.send({ id: "l-1", type: "ledger.booked", correlationid: "ledger", data: { amount: 100 } });
  const [live] = await platform.settled(1, "&correlationid=ledger");
  expect((await outputs(live?.id ?? ""))[1]).toContain('[{"n":1,"total":100}]');
  for (const _ of [1, 2]) {
    const ended = await done((await replay({ correlationid: "ledger" })).body.id);
    const replayed = entryOf(ended, "ledger").replay;
    expect(replayed?.status).toBe("completed");
    // Its own row beside that of the run: what is there is read as it is now, as of state.
    expect((await outputs(replayed?.executionId ?? ""))[1]).toContain('[{"n":2,"total":200}]');
  }
  await platform.send({ id: "l-2", type: "ledger.booked", correlationid: "ledger-2", data: { amount: 1 } });
  const [next] = await platform.settled(1, "&correlationid=ledger-2");
  expect((await outputs(next?.id ?? ""))[1]).toContain('[{"n":2,"total":101}]');
});

test("a script sees that it is a replay, and of which execution: a key for other systems that is the same in both", async () => {
  const typescript = `import { context } from "@streamzero/fx";
const { id, original, replay } = context.execution;
console.log("typescript", replay, original ?? id);
`;
  const python = `from fx_ef import context
execution = context.execution
print("python", str(execution.replay).lower(), execution.original or execution.id)
`;
  await platform.deploy("keyed", {
    "manifest.json": JSON.stringify({
      execution_order: ["1.py", "2.ts", "3.sh", "4.sql"],
      trigger_events: ["key.asked"],
    }),
    "1.py": python,
    "2.ts": typescript,
    "3.sh": `echo "shell $FX_REPLAY \${FX_ORIGINAL_EXECUTION_ID:-$FX_EXECUTION_ID}"`,
    "4.sql": `SELECT {% if execution.replay %} 'true' {% else %} 'false' {% endif %} AS sql, {{ execution.original or execution.id }} AS key;`,
  });
  await platform.send({ id: "k-1", type: "key.asked", correlationid: "keys" });
  const [live] = await platform.settled(1, "&correlationid=keys");
  const { body } = await replay({ correlationid: "keys" });
  const replayed = entryOf(await done(body.id), "keyed").replay;
  for (const [id, is] of [
    [live?.id ?? "", "false"],
    [replayed?.executionId ?? "", "true"],
  ] as const) {
    const { steps } = await platform.execution(id);
    const output = (steps as unknown as { output: { preview: string } }[]).map(({ output }) => output.preview.trim());
    expect(output).toEqual([
      `python ${is} ${live?.id}`,
      `typescript ${is} ${live?.id}`,
      `shell ${is} ${live?.id}`,
      `[{"sql":"${is}","key":"${live?.id}"}]`,
    ]);
  }
});

test("D7: an execution of a replay that was lost in the middle runs again, and what it asked for counts once", async () => {
  const lossy = await TestPlatform.start({ drainMs: 1 });
  try {
    await lossy.deploy("slow", service("slow.asked", "print('went')\n"));
    await lossy.send({ id: "s", type: "slow.asked", correlationid: "slow" });
    await lossy.settled(1, "&correlationid=slow");
    const hanging = `import time
from fx_ef import context
context.events.send("lost.said", {"attempt": context.execution.attempt})
if context.execution.attempt == 1:
    time.sleep(60)
print("went")
`;
    await lossy.deploy("slow", service("slow.asked", hanging));
    const { body } = await lossy.request<{ id: string }>("POST", "/api/v1/flows/replay", {
      json: { correlationid: "slow", versions: { "default/slow": "active" } },
    });
    await eventually(async () => {
      const [running] = await lossy.executions("&trigger=replay&status=in_progress");
      return running !== undefined && (await lossy.execution(running.id)).steps.length > 0;
    });
    await lossy.restart({ drainMs: 1 });
    const [ended] = await lossy.settled(1, "&trigger=replay");
    expect(ended).toMatchObject({ status: "completed", losses: 1, attempt: 2 });
    const { body: detail } = await lossy.request<ReplayJson>("GET", `/api/v1/replays/${body.id}`);
    expect(detail.entries[0]?.effects.map(({ content }) => content.data)).toEqual([{ attempt: 2 }]);
    expect(detail.summary).toMatchObject({ differs: 1 });
  } finally {
    await lossy.stop();
  }
});
