import { expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../../support/installation.ts";
import { packFiles } from "../../support/platform.ts";

const engines = { postgres: 1, kafka: 1, consul: 1, s3: 1, opensearch: 1 };

const counter = `
from fx_ef import context
seen = context.state.get().get("seen", 0) + 1
context.state.put("seen", seen)
print("n is", context.params.get("n"), "greeting is", context.config.get("greeting"), flush=True)
context.events.send("chain.second", {"n": context.params.get("n")})
`;
const second = `
import { context } from "@streamzero/fx";
console.log("second", context.params.get("n"));
`;

interface Execution {
  id: string;
  service: string;
  status: string;
  correlationId: string;
}

test("each role is a process on shared engines: an event is routed, runs a chain, and is found with its output", async () => {
  const installation = await Installation.start({ engines });
  const { api } = installation;
  await installation.start("manager", "router-1", "router-2", "executor-1", "executor-2", "sink");
  for (const [name, script, source, type] of [
    ["counter", "main.py", counter, "chain.first"],
    ["second", "main.ts", second, "chain.second"],
  ] as const) {
    const files = { [script]: source, "manifest.json": JSON.stringify({ trigger_events: [type], concurrency: 1 }) };
    await api.request("POST", `/services/default/${name}/versions`, await packFiles(files), "application/gzip");
  }
  await api.request("PUT", "/config/service/default/counter/greeting", '"hello"', "application/json");
  for (let n = 0; n < 20; n += 1) {
    const event = { specversion: "1.0", id: `e-${n}`, source: "/roles", type: "chain.first", data: { n } };
    await api.request("POST", "/events", JSON.stringify(event), "application/cloudevents+json");
  }
  const executions = await eventually(
    async () => {
      const all = await api.list<Execution>("/executions?");
      return all.length === 40 && all.every(({ status }) => status === "completed") && all;
    },
    { withinMs: 90_000, everyMs: 200 },
  );
  expect(executions.filter(({ service }) => service === "counter")).toHaveLength(20);
  expect(new Set(executions.map(({ correlationId }) => correlationId)).size).toBe(20);
  expect(await api.request("GET", "/state/default/counter")).toMatchObject({
    items: [{ key: "seen", value: 20 }],
  });
  const found = await eventually(async () => {
    const { items } = await api.request<{ items: { text: string }[] }>("GET", "/logs?q=greeting&limit=100");
    return items.length === 20 && items;
  });
  expect(found.every(({ text }) => text.endsWith("greeting is hello"))).toBe(true);
  expect(await api.request("GET", "/ledger/reconcile")).toMatchObject({ balanced: true, pending: 0 });
  for (const name of ["router-1", "executor-1", "sink", "manager"]) {
    expect(await installation.stop(name), installation.process(name).talk).toBe(0);
  }
});
