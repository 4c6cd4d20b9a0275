import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { ServerPlace } from "../../../engines/engine.ts";
import { killServer, type Servers, startServer } from "../../../engines/servers.ts";
import { topics } from "../../../src/events/topics.ts";
import { ownServers, sharedEnvironment, sharedServers } from "../../support/engines.ts";
import { eventually } from "../../support/eventually.ts";
import { newPrefix, openKafka } from "../../support/kafka-bus.ts";
import { TestPlatform } from "../../support/platform.ts";

const counter = {
  "manifest.json": JSON.stringify({ trigger_events: ["order.placed"], concurrency: 1 }),
  "main.py": `
import os
import time
from fx_ef import context
print("began", flush=True)
go = context.params.get("go")
while go and not os.path.exists(go):
    time.sleep(0.02)
context.state.put("seen", context.state.get().get("seen", 0) + 1)
`,
};

/** With a Consul of its own; state is logged on the Kafka that all share. */
async function platformOnConsul() {
  const prefix = newPrefix();
  const servers = await ownServers("consul");
  const environment = servers.engine.environment(servers.places);
  const kafka = { ...sharedEnvironment("kafka"), FX_BUS_PREFIX: prefix };
  const platform = await TestPlatform.start({}, { ...environment, ...kafka });
  onTestFinished(() => platform.stop());
  await platform.deploy("counter", counter);
  let runs = 0;
  const count = async (data: object = {}) => {
    runs += 1;
    await platform.send({ id: String(runs), type: "order.placed", data });
    return (await platform.settled(runs)).map(({ status }) => status);
  };
  return { platform, servers, count, consul: consulOf(servers), prefix };
}

function consulOf(servers: Servers) {
  const { FX_CONFIG_STORE_URL: url = "", FX_CONFIG_STORE_TOKEN: token = "" } = servers.engine.environment(
    servers.places as ServerPlace[],
  );
  return async (method: string, route: string, body?: Uint8Array<ArrayBuffer>) => {
    const headers = { "x-consul-token": token };
    const response = await fetch(`${url}/v1/${route}`, { method, headers, ...(body && { body }) });
    if (!response.ok) throw new Error(`Consul answered ${response.status}: ${await response.text()}`);
    return new Uint8Array(await response.arrayBuffer());
  };
}

async function seenBy(platform: TestPlatform): Promise<unknown> {
  const { status, body } = await platform.request<{ items: { value: unknown }[] }>(
    "GET",
    "/api/v1/state/default/counter",
  );
  return status === 200 ? body.items[0]?.value : status;
}

async function linesOf(platform: TestPlatform, text: string): Promise<number> {
  const { body } = await platform.request<{ items: unknown[] }>("GET", `/api/v1/logs?q=${text}`);
  return body.items.length;
}

/** Every version that was logged, in order. */
async function loggedOf(prefix: string): Promise<unknown[]> {
  const bus = await openKafka({ servers: sharedServers("kafka"), prefix });
  const logged: unknown[] = [];
  for (const { partition } of await bus.offsets(topics.state)) {
    for (const { value } of await bus.peek(topics.state, partition, 0, 100)) {
      logged.push((JSON.parse(Buffer.from(value).toString()) as { value: unknown }).value);
    }
  }
  return logged;
}

test("D11: an older snapshot of Consul is put back while the platform runs: nobody reads what is older, and it comes back from Kafka", async () => {
  const { platform, consul, count, prefix } = await platformOnConsul();
  await count();
  const snapshot = await consul("GET", "snapshot");
  await count();
  await count();
  expect(await seenBy(platform)).toBe(3);
  await consul("PUT", "snapshot", snapshot);
  expect([3, 503]).toContain(await seenBy(platform));
  expect(await count()).toEqual(["completed", "completed", "completed", "completed"]);
  expect(await eventually(async () => (await seenBy(platform)) === 4)).toBe(true);
  expect(await loggedOf(prefix)).toEqual([1, 2, 3, 4]);
});

test("D11: keys of an older export are written over the newer ones: state comes back from Kafka", async () => {
  const { platform, consul, count, prefix } = await platformOnConsul();
  await count();
  const exported = JSON.parse(Buffer.from(await consul("GET", "kv/fx/?recurse")).toString()) as {
    Key: string;
    Flags: number;
    Value: string | null;
  }[];
  await count();
  expect(await seenBy(platform)).toBe(2);
  for (const { Key, Flags, Value } of exported) {
    await consul("PUT", `kv/${Key}?flags=${Flags}`, new Uint8Array(Buffer.from(Value ?? "", "base64")));
  }
  expect([2, 503]).toContain(await seenBy(platform));
  expect(await count()).toEqual(["completed", "completed", "completed"]);
  expect(await eventually(async () => (await seenBy(platform)) === 3)).toBe(true);
  expect(await loggedOf(prefix)).toEqual([1, 2, 3]);
});

test("D9: Consul is killed in the middle of a run: readiness names it, the run waits for its state, and both go on without a restart", async () => {
  const { platform, servers, count } = await platformOnConsul();
  await count();
  const go = path.join(platform.directory, "go");
  const counting = count({ go });
  await eventually(async () => (await linesOf(platform, "began")) === 2);
  await killServer(servers, 0);
  const ready = await platform.request<{ problems: { path: string; message: string }[] }>("GET", "/readyz");
  expect(ready).toMatchObject({ status: 503, body: { problems: [{ path: "configStore" }] } });
  expect(ready.body.problems[0]?.message).toContain("Consul at http://127.0.0.1");
  expect(await seenBy(platform)).toBe(503);
  writeFileSync(go, "");
  await startServer(servers, 0);
  expect(await counting).toEqual(["completed", "completed"]);
  expect((await platform.executions()).map(({ attempt }) => attempt)).toEqual([1, 1]);
  await eventually(async () => (await platform.request("GET", "/readyz")).status === 200);
  expect(await count()).toHaveLength(3);
  expect(await seenBy(platform)).toBe(3);
});
