import { expect, test } from "vitest";
import { type ApiServer, startApiServer } from "../../support/api-server.ts";
import { packageOf } from "../../support/package.ts";

const api = "/api/v1";

async function send(server: ApiServer, event: Record<string, unknown>): Promise<string> {
  const json = { specversion: "1.0", source: "/t", ...event };
  const answer = await server.call("POST", `${api}/events`, {
    body: JSON.stringify(json),
    headers: { "content-type": "application/cloudevents+json" },
  });
  expect(answer.status, answer.text).toBe(202);
  return answer.json.accepted[0].key;
}

async function routed(server: ApiServer, key: string) {
  return (await server.call("GET", `${api}/events/${key}?wait=10000`)).json;
}

const mapping = {
  fromType: "order.placed",
  toType: "bill.due",
  filter: "event.data.total > 10",
  fields: [
    { target: "data.customer.id", from: "data.user.id" },
    { target: "data.cents", expression: "event.data.total * 100" },
  ],
};

test("a mapping made while events flow maps the next event; both sides tell of it, and the flow shows it below its source", async () => {
  const server = await startApiServer({ routed: true });
  const { status, json: made } = await server.call("POST", `${api}/mappings`, { json: mapping });
  expect(status).toBe(201);
  expect((await server.call("POST", `${api}/mappings`, { json: mapping })).status).toBe(200);
  const key = await send(server, { id: "1", type: "order.placed", data: { total: 12, user: { id: "u" } } });
  const source = await routed(server, key);
  expect(source).toMatchObject({
    outcome: "matched",
    mappings: [{ mappingId: made.id, toType: "bill.due", matched: true, reason: null }],
  });
  const { eventKey } = source.mappings[0];
  const result = await routed(server, eventKey);
  expect(result).toMatchObject({
    outcome: "unmatched",
    event: {
      type: "bill.due",
      source: `/mappings/${made.id}`,
      data: { customer: { id: "u" }, cents: 1200 },
      sequence: "1",
      causationid: "1",
      fxmappedfrom: key,
      correlationid: source.event.correlationid,
    },
  });
  const flow = await server.call("GET", `${api}/flows?correlationid=${source.event.correlationid}`);
  expect(flow.json.tree).toEqual([
    { eventKey: key, executions: [], mapped: [{ eventKey, executions: [], mapped: [] }] },
  ]);

  const missed = await routed(server, await send(server, { id: "2", type: "order.placed", data: { total: 3 } }));
  expect(missed).toMatchObject({
    outcome: "unmatched",
    mappings: [{ matched: false, reason: expect.stringContaining("filter is false") }],
  });
  const dryRun = await server.call("POST", `${api}/route/dry-run`, {
    json: { type: "order.placed", data: { total: 20, user: { id: 1 } } },
  });
  expect(dryRun.json).toMatchObject({ outcome: "matched", mapped: [{ event: { data: { cents: 2000 } } }] });

  expect((await server.call("DELETE", `${api}/mappings/${made.id}`)).status).toBe(204);
  const after = await routed(server, await send(server, { id: "3", type: "order.placed", data: { total: 12 } }));
  expect(after).toMatchObject({ outcome: "unmatched", mappings: [] });
});

test("D14: two mappings that feed each other end at the hop limit, told of by fx.event.rejected", async () => {
  const server = await startApiServer({ routed: true });
  for (const [fromType, toType] of [
    ["a", "b"],
    ["b", "a"],
  ]) {
    await server.call("POST", `${api}/mappings`, { json: { fromType, toType, strategy: "all" } });
  }
  await send(server, { id: "1", type: "a", correlationid: "loop" });
  await expect
    .poll(async () => (await server.call("GET", `${api}/events?correlationid=loop&outcome=rejected`)).json.items, {
      timeout: 20_000,
    })
    .toMatchObject([{ reason: expect.stringMatching(/^hop limit/) }]);
  const { items } = (await server.call("GET", `${api}/events?correlationid=loop&limit=1000`)).json;
  expect(items).toHaveLength(102);
}, 30_000);

test("what is not sound is refused with the place of each fault; a change is held to the same", async () => {
  const server = await startApiServer();
  const refused = await server.call("POST", `${api}/mappings`, {
    json: { fromType: "a.*", toType: "a.b", fields: [{ target: "data.x", expression: "1 +" }] },
  });
  expect(refused.status).toBe(400);
  expect(refused.text).toContain("would feed itself");
  expect(refused.text).toContain("fields[0].expression");
  const { json } = await server.call("POST", `${api}/mappings`, {
    json: { fromType: "a", toType: "b", filter: "true" },
  });
  expect((await server.call("PATCH", `${api}/mappings/${json.id}`, { json: { toType: "a" } })).status).toBe(400);
  const changed = await server.call("PATCH", `${api}/mappings/${json.id}`, { json: { filter: null, active: false } });
  expect(changed.json).toMatchObject({ filter: null, active: false });
  expect((await server.call("GET", `${api}/mappings?fromType=a`)).json.items).toEqual([changed.json]);
  expect((await server.call("GET", `${api}/mappings/none`)).status).toBe(404);
  const forged = await server.call("POST", `${api}/events`, {
    body: JSON.stringify({ specversion: "1.0", id: "1", source: "/t", type: "a", fxrootflow: "x" }),
    headers: { "content-type": "application/cloudevents+json" },
  });
  expect(forged.status).toBe(403);
});

test("a preview shows stored events before and after, with what is left out and what cannot be made", async () => {
  const server = await startApiServer({ routed: true });
  await routed(server, await send(server, { id: "1", type: "order.placed", data: { total: 12 } }));
  const preview = async (json: object) => (await server.call("POST", `${api}/mappings/preview`, { json })).json.items;
  expect(await preview({ mapping })).toMatchObject([
    { before: { id: "1" }, after: { type: "bill.due", data: { cents: 1200 } }, left: ["data.customer.id"] },
  ]);
  const fields = [{ target: "data.x", from: "data.y", required: true }];
  expect(
    await preview({ mapping: { ...mapping, fields }, event: { type: "order.placed", data: { total: 11 } } }),
  ).toMatchObject([{ after: null, reason: expect.stringContaining("required"), problems: [{ path: "fields[0]" }] }]);
});

test("a backtest tells what a link or a mapping would have done with stored events, also below a prefix", async () => {
  const server = await startApiServer({ routed: true });
  for (const total of [5, 20, 30]) {
    await routed(
      server,
      await send(server, { id: `p${total}`, type: "order.placed", data: { total, user: { id: 1 } } }),
    );
  }
  await routed(server, await send(server, { id: "paid", type: "order.paid", data: { total: 40 } }));
  await server.call("POST", `${api}/services/default/bill/versions`, {
    body: await packageOf({ "main.py": "" }),
    headers: { "content-type": "application/gzip" },
  });
  const backtest = async (json: object) => (await server.call("POST", `${api}/route/backtest`, { json })).json;
  const link = { service: "bill", eventType: "order.*", filter: "event.data.total > 10" };
  const tried = await backtest({ link });
  expect(tried).toMatchObject({ examined: 4, matched: 3, missed: 1, alreadyDone: 0, truncated: false });
  expect(tried.samples.map((sample: { event: { id: string } }) => sample.event.id)).toEqual([
    "paid",
    "p30",
    "p20",
    "p5",
  ]);
  expect(tried.reasons).toEqual([{ reason: "filter is false: event.data.total > 10", count: 1 }]);

  await server.call("POST", `${api}/links`, { json: { service: "bill", eventType: "bill.due" } });
  const mapped = await backtest({ mapping });
  expect(mapped).toMatchObject({ examined: 3, matched: 2, further: [{ service: "default/bill", count: 2 }] });
  expect(mapped.samples[0]).toMatchObject({ made: { type: "bill.due", data: { cents: 3000 } } });
  expect((await server.call("GET", `${api}/executions`)).json.items).toEqual([]);
  expect((await server.call("POST", `${api}/route/backtest`, { json: {} })).status).toBe(400);
});
