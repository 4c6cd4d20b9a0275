import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

interface TypeJson {
  type: string;
  count: number;
  version: number;
  settled: boolean;
  dataRequired: boolean;
  schema: Record<string, unknown>;
  example?: unknown;
  producers: { source: string; project: string | null; count: number }[];
  consumers: { project: string; service: string; linkId: string; eventType: string }[];
  becomes: { project: string | null; fromType: string; toType: string; mappingId: string }[];
  versions: { n: number; changes: { path: string; what: string }[] }[];
}

const base = "/api/v1/event-types";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

let sent = 0;

/** Sends events with these data, and waits until all of the type's are learned. */
async function see(type: string, data: readonly unknown[], more: Record<string, unknown> = {}): Promise<TypeJson> {
  const before = (await learned(type))?.count ?? 0;
  const events = data.map((one) => ({ id: `e${++sent}`, type, data: one, ...more }));
  await platform.send(...events);
  return eventually(async () => {
    const found = await learned(type);
    return found !== undefined && found.count >= before + data.length && found;
  });
}

async function learned(type: string): Promise<TypeJson | undefined> {
  const { status, body } = await platform.request<TypeJson>("GET", `${base}/${encodeURIComponent(type)}`);
  return status === 200 ? body : undefined;
}

test("a schema with mixed types: alternatives for what is told apart, a list for what is not, and an example that fits", async () => {
  const found = await see("mixed.sent", [
    { id: 1, to: "Graz", lines: [1, "two", null, { sku: "a" }] },
    { id: "2", to: { city: "Graz" }, lines: [] },
    { id: null, to: ["Graz"], lines: [true] },
    ["not", "an", "object"],
    "a text",
    42,
  ]);
  expect(found).toMatchObject({ settled: false, dataRequired: true, version: 1 });
  expect(found.schema).toMatchObject({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    anyOf: [
      {
        type: "object",
        properties: {
          id: { type: ["string", "integer", "null"] },
          to: { anyOf: [{ type: "object", required: ["city"] }, { type: "array" }, { type: "string" }] },
          lines: {
            type: "array",
            items: { type: ["object", "string", "integer", "boolean", "null"], required: ["sku"] },
          },
        },
        required: ["id", "lines", "to"],
      },
      { type: "array", items: { type: "string" } },
      { type: "string" },
      { type: "integer" },
    ],
  });
  expect(found.example).toMatchObject({ to: { city: "Graz" }, lines: [{ sku: "a" }] });
});

test("bytes are no JSON data, as little as nothing is; null is", async () => {
  const [bytes, nothing, empty] = await Promise.all([
    see("bytes.sent", [undefined], { data_base64: "AAEC" }),
    see("nothing.sent", [undefined]),
    see("null.sent", [null]),
  ]);
  for (const found of [bytes, nothing]) {
    expect(found).toMatchObject({ dataRequired: false });
    expect(Object.keys(found.schema)).toEqual(["$schema"]);
    expect(found).not.toHaveProperty("example");
  }
  expect(empty).toMatchObject({ dataRequired: true, schema: { type: "null" }, example: null });
});

test("who sends a type: sources with their projects, services among them", async () => {
  await platform.deploy("relay", {
    "main.py": "from fx_ef import context\ncontext.events.send('relay.done', {'n': 1})",
    "manifest.json": '{"trigger_events": ["relay.asked"]}',
  });
  await see("relay.done", [{ n: 1 }], { source: "/outside", fxproject: "default" });
  await platform.send({ id: "relay", type: "relay.asked" });
  const { producers } = await eventually(async () => {
    const found = await learned("relay.done");
    return found && found.count >= 2 && found;
  });
  expect(producers).toHaveLength(2);
  expect(producers).toContainEqual(expect.objectContaining({ source: "/outside", project: "default", count: 1 }));
  expect(producers).toContainEqual(expect.objectContaining({ source: expect.stringContaining("relay"), count: 1 }));
});

test("what a type starts and becomes: exact and wildcard links and mappings, none that are switched off or only look alike", async () => {
  await platform.deploy("take", { "main.py": "" });
  const link = async (eventType: string, more: object = {}) => {
    const json = { service: "take", eventType, ...more };
    return (await platform.request<{ id: string }>("POST", "/api/v1/links", { json })).body.id;
  };
  const map = async (fromType: string, toType: string, active = true) => {
    const json = { fromType, toType, strategy: "all", active };
    return (await platform.request<{ id: string }>("POST", "/api/v1/mappings", { json })).body.id;
  };
  const links = [await link("shop.order.placed"), await link("shop.order.*"), await link("shop.*")];
  for (const other of ["shop.order.placed.*", "shop.order", "shop.ord.*"]) await link(other);
  await link("shop.order.*", { filter: "true", active: false });
  const exact = await map("shop.order.placed", "bill.due");
  const wide = await map("shop.*", "audit.entry");
  await map("shop.order.*", "off.entry", false);
  await map("shop.order", "other.entry");
  const found = await see("shop.order.placed", [{ n: 1 }]);
  expect(found.consumers).toEqual(
    ["shop.order.placed", "shop.*", "shop.order.*"].map((eventType) => {
      return { project: "default", service: "take", linkId: expect.any(String), eventType };
    }),
  );
  expect(found.consumers.map(({ linkId }) => linkId).sort()).toEqual([...links].sort());
  expect(found.becomes).toEqual([
    { project: null, fromType: "shop.order.placed", toType: "bill.due", mappingId: exact },
    { project: null, fromType: "shop.*", toType: "audit.entry", mappingId: wide },
  ]);
  expect(await eventually(() => learned("audit.entry"))).toMatchObject({
    producers: [{ source: `/mappings/${wide}` }],
  });
});

test("D1: drift makes a version, which stays readable, and an event that starts what is linked to it", async () => {
  await platform.deploy("notify", {
    "main.py": "import json\nfrom fx_ef import context\nprint(json.dumps(context.event['data']))",
    "manifest.json": '{"trigger_events": ["fx.event_type.drifted"]}',
  });
  await see(
    "drift.sent",
    Array.from({ length: 30 }, (_, id) => ({ id })),
  );
  const found = await see("drift.sent", [{ id: "text" }]);
  expect(found).toMatchObject({
    version: 2,
    settled: true,
    versions: [
      { n: 2, changes: [{ path: "data.id", what: "type" }] },
      { n: 1, changes: [] },
    ],
  });
  const first = await platform.request("GET", `${base}/drift.sent/versions/1`);
  expect(first).toMatchObject({ status: 200, body: { n: 1, schema: { properties: { id: { type: "integer" } } } } });
  const [execution] = await platform.settled(1, "&service=default/notify");
  expect(JSON.parse((await platform.outputs(execution?.id ?? ""))[0] ?? "")).toMatchObject({
    type: "drift.sent",
    fromVersion: 1,
    toVersion: 2,
    changes: [{ path: "data.id", what: "type", before: ["integer"], after: ["integer", "string"] }],
    changeCount: 1,
  });
});

test("a type that is forgotten is gone, and its next event is learned as its first", async () => {
  await see("gone.sent", [{ old: 1 }]);
  expect((await platform.request("DELETE", `${base}/gone.sent`)).status).toBe(204);
  expect(await learned("gone.sent")).toBeUndefined();
  // The sink may be told only by its next write that it was forgotten.
  const found = await eventually(async () => {
    await platform.send({ id: `again-${++sent}`, type: "gone.sent", data: { fresh: 1 } });
    return learned("gone.sent");
  });
  expect(found).toMatchObject({ version: 1, schema: { required: ["fresh"] } });
  expect(JSON.stringify(found.schema)).not.toContain("old");
});

test("types are listed by name, by a part of it in any case, or by its beginning; any type has an address", async () => {
  const odd = `list/odd ${"x".repeat(300)}?#%`.replaceAll(" ", "+");
  const types = ["list.b", "list.a", "List.c", odd];
  await Promise.all(types.map((type) => see(type, [1])));
  const list = async (query: string) => {
    const { body } = await platform.request<{ items: { type: string }[]; next: string | null }>("GET", base + query);
    return body.items.map(({ type }) => type);
  };
  expect(await list("?prefix=list.")).toEqual(["list.a", "list.b"]);
  expect(await list("?q=LIST.")).toEqual(["List.c", "list.a", "list.b"]);
  expect(await list("?prefix=list.&limit=1")).toEqual(["list.a"]);
  expect(await learned(odd)).toMatchObject({ type: odd });
});

test.each([
  ["GET", "/never.seen"],
  ["DELETE", "/never.seen"],
  ["GET", "/never.seen/versions/1"],
])("%s of a type that was not seen is a problem document that names it: %s", async (method, route) => {
  const answer = await platform.request(method, base + route);
  expect(answer).toMatchObject({
    status: 404,
    body: { code: "not-found", detail: expect.stringContaining('"never.seen"') },
  });
});

test("a version that is no number, or an unknown word in the query, is refused", async () => {
  for (const route of ["/a/versions/x", "/a/versions/0", "?contains=a", "?prefix="]) {
    expect((await platform.request("GET", base + route)).status, route).toBe(400);
  }
});
