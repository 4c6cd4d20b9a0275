import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform, testToken } from "../../support/platform.ts";

interface Found<Item> {
  items: Item[];
  next: string | null;
  complete: boolean;
}
interface Line {
  text: string;
  level: string;
  service: string;
  executionId: string;
  stream: string;
}

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
  const program = [
    "from fx_ef import context, get_param",
    "print('order', get_param('n'), 'accepted')",
    "context.logging.warning('stock of apples is low')",
    "context.events.send('stock.low', {'fruit': 'apples and pears', 'n': get_param('n')})",
  ].join("\n");
  const manifest = '{"trigger_events": ["order.placed"]}';
  await platform.deploy("orders", { "main.py": program, "manifest.json": manifest }, "shop");
  await platform.deploy(
    "breaks",
    { "main.py": "raise SystemExit('out of apples')", "manifest.json": manifest },
    "shop",
  );
  for (const n of [1, 2, 3]) await platform.send({ type: "order.placed", id: `order-${n}`, data: { n } });
  await platform.settled(6);
});
afterAll(() => platform.stop());

async function get<Body>(route: string, parameters: Record<string, string> = {}): Promise<Body> {
  const { status, body } = await platform.request<Body>("GET", `/api/v1${route}?${new URLSearchParams(parameters)}`);
  if (status !== 200) throw new Error(`${route}: ${status} ${JSON.stringify(body)}`);
  return body;
}

/** Lines are stored a moment after the run has ended. */
async function lines(q: string, count: number): Promise<Line[]> {
  return eventually(async () => {
    const { items } = await get<Found<Line>>("/logs", { q });
    expect(items).toHaveLength(count);
    return items;
  });
}

test("lines of all runs are found by words, fields, levels, flow and negation", async () => {
  await lines("apples", 6);
  const warnings = await lines("level:>=warning apples", 3);
  expect(warnings[0]).toMatchObject({ level: "warning", service: "orders", text: "stock of apples is low" });
  await lines('"out of apples" stream:stderr', 3);
  await lines("service:shop/orders -level:warning", 3);
  const [run] = await platform.executions("&service=shop/orders");
  const found = await lines(`flow:"${run?.correlationId}" service:shop/orders order`, 1);
  expect(found[0]?.executionId).toBe(run?.id);
});

test("pages go on where the one before ended, and an export has all of it", async () => {
  await lines("", 9);
  const first = await get<Found<Line>>("/logs", { limit: "5" });
  const second = await get<Found<Line>>("/logs", { limit: "5", after: first.next ?? "" });
  expect(second).toMatchObject({ next: null, complete: true });
  const headers = { authorization: `Bearer ${testToken}` };
  const exported = await (await fetch(`${platform.url}/api/v1/logs/export`, { headers })).text();
  const documents = exported
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(documents).toEqual([...first.items, ...second.items]);
});

test("a histogram and facets count what a search finds", async () => {
  await lines("apples", 6);
  const histogram = await get<{ total: number; items: { count: number; levels: Record<string, number> }[] }>(
    "/logs/histogram",
    { q: "apples" },
  );
  expect(histogram.total).toBe(6);
  expect(histogram.items.reduce((sum, { levels }) => sum + (levels.warning ?? 0), 0)).toBe(3);
  expect(await get("/logs/facets", { q: "apples" })).toMatchObject({
    total: 6,
    services: expect.arrayContaining([
      { value: "shop/orders", count: 3 },
      { value: "shop/breaks", count: 3 },
    ]),
    streams: expect.arrayContaining([{ value: "log", count: 3 }]),
    complete: true,
  });
});

test("a wrong query is refused with the place of the mistake", async () => {
  const answer = await platform.request("GET", "/api/v1/logs?q=colour:red");
  expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining("character 1 of the query") } });
});

test.each(["logs", "logs/export", "logs/histogram", "logs/facets", "stats/executions", "stats/executions/slowest"])(
  "%s: a span that ends before it begins is refused",
  async (route) => {
    const answer = await platform.request("GET", `/api/v1/${route}?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z`);
    expect(answer).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('"from" must be before "to"') },
    });
  },
);

test("new lines that match are streamed as they are stored", async () => {
  const stop = new AbortController();
  const response = await fetch(`${platform.url}/api/v1/logs?q=accepted`, {
    headers: { authorization: `Bearer ${testToken}`, accept: "text/event-stream" },
    signal: stop.signal,
  });
  await platform.send({ type: "order.placed", id: "order-77", data: { n: 77 } });
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.includes("data:")) break;
  }
  stop.abort();
  expect(text).toContain('"text":"order 77 accepted"');
  expect(text).not.toContain("order 1 accepted");
});

test("events are found by what is in their data, and by their attributes", async () => {
  const { items } = await eventually(async () => {
    const found = await get<Found<{ type: string; excerpt: string }>>("/events/search", { q: "pears type:stock.*" });
    expect(found.items.length).toBeGreaterThanOrEqual(3);
    return found;
  });
  expect(items[0]).toMatchObject({ type: "stock.low", excerpt: expect.stringContaining("apples and pears") });
  const { items: sent } = await get<Found<{ eventId: string }>>("/events/search", { q: "id:order-2" });
  expect(sent).toMatchObject([{ eventId: "order-2" }]);
});

test("statistics count every run that ended once, with its times", async () => {
  interface Row {
    count: number;
    service: string;
    status: string;
    trigger: string;
    duration: { p50Ms: number; p95Ms: number; maxMs: number };
    queue: { p50Ms: number };
  }
  const runs = await platform.settled(6);
  const ofService = (name: string) => runs.filter(({ service }) => service === name).length;
  const items = await eventually(async () => {
    const { items: found } = await get<{ items: Row[] }>("/stats/executions", { by: "service,status,trigger" });
    expect(found.reduce((sum, { count }) => sum + count, 0)).toBe(runs.length);
    return found;
  });
  const orders = items.find(({ service }) => service === "orders");
  expect(orders).toMatchObject({ status: "completed", trigger: "event", count: ofService("orders") });
  expect(items.find(({ service }) => service === "breaks")).toMatchObject({
    status: "failed",
    count: ofService("breaks"),
  });
  expect(orders?.duration.p50Ms).toBeGreaterThan(1);
  expect(orders?.duration.maxMs).toBeGreaterThanOrEqual(orders?.duration.p95Ms ?? Number.POSITIVE_INFINITY);
  expect(orders?.queue.p50Ms).toBeGreaterThanOrEqual(0);
  const slowest = await get<{ items: { durationMs: number }[] }>("/stats/executions/slowest", { limit: "2" });
  expect(slowest.items).toHaveLength(2);
  expect(slowest.items[0]?.durationMs).toBe(Math.max(...items.map(({ duration }) => duration.maxMs)));
});
