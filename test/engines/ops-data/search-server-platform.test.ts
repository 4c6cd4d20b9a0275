import { expect, onTestFinished, test } from "vitest";
import { killServer, startServer } from "../../../engines/servers.ts";
import { ownServers } from "../../support/engines.ts";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

const files = {
  "manifest.json": JSON.stringify({ entrypoint: "main.py", trigger_events: ["order.placed"] }),
  "main.py": `
from fx_ef import context
context.logging.warning("watch out")
print("counted", context.params.get("n"), flush=True)
`,
};

/** A server starts in half a minute, and here twice. */
const timeout = 300_000;

async function textsOf(platform: TestPlatform, query: string): Promise<string[]> {
  const path = `/api/v1/logs?q=${encodeURIComponent(query)}`;
  const { status, body } = await platform.request<{ items: { text: string }[] }>("GET", path);
  return status === 200 ? body.items.map(({ text }) => text).sort() : [];
}

test("D9: a platform on OpenSearch by settings alone: runs are found; while the server is killed they go on, readiness names it, and nothing that was said is lost", {
  timeout,
}, async () => {
  const servers = await ownServers("opensearch");
  const platform = await TestPlatform.start({}, servers.engine.environment(servers.places));
  onTestFinished(() => platform.stop());
  await platform.deploy("counter", files);
  await platform.send({ id: "1", type: "order.placed", data: { n: 1 } });
  await platform.settled(1);
  await eventually(async () => (await textsOf(platform, "counted")).length === 1);
  expect(await textsOf(platform, "service:counter level:warning")).toEqual(["watch out"]);

  await killServer(servers, 0);
  const ready = await platform.request<{ problems: { path: string }[] }>("GET", "/readyz");
  expect(ready.status).toBe(503);
  // A sink that has tried to write meanwhile is named beside it.
  expect(ready.body.problems.map(({ path }) => path)).toContain("opsData");
  expect((await platform.request("GET", "/api/v1/logs?q=counted")).status).toBe(503);
  await platform.send({ id: "2", type: "order.placed", data: { n: 2 } });
  const runs = await platform.settled(2);
  expect(runs.map(({ status, losses }) => [status, losses])).toEqual([
    ["completed", 0],
    ["completed", 0],
  ]);

  await startServer(servers, 0);
  const found = await eventually(
    async () => {
      const texts = await textsOf(platform, "counted");
      return texts.length === 2 && texts;
    },
    { withinMs: 60_000, everyMs: 200 },
  );
  expect(found).toEqual(["counted 1", "counted 2"]);
  // Each sink writes again after its own pause.
  await eventually(async () => (await platform.request("GET", "/readyz")).status === 200, { withinMs: 60_000 });
  for (const run of runs) expect(await platform.outputs(run.id)).toEqual([expect.stringMatching(/^counted \d\n$/)]);
  const stats = await eventually(async () => {
    const from = encodeURIComponent(new Date(Date.now() - 3_600_000).toISOString());
    const path = `/api/v1/stats/executions?from=${from}`;
    const { body } = await platform.request<{ items: { count: number }[] }>("GET", path);
    return body.items[0]?.count === 2 && body.items[0];
  });
  expect(stats).toMatchObject({ count: 2 });
});
